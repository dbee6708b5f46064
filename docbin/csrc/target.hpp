// What a target offers: one table of functions for each kernel family.
//
// A target is one file of targets/, and those files alone are compiled for more than the baseline CPU. Each includes its vector words (isa/) and then the
// bodies of all families (*_body.hpp), which are written once; everything in them is in anonymous namespaces and nothing of the standard library's inline
// functions is called there out of line: an inline function compiled for AVX-512 could be the one that the linker keeps for the whole program.
// Nothing of a target runs before target() has asked the CPU.
#pragma once
#include "document/document.hpp"
#include "engine/bitsliced.hpp"
#include "engine/choice.hpp"
#include "engine/edge.hpp"
#include "engine/head.hpp"
#include "engine/stem.hpp"
#include "fixed/fixed_point.hpp"
#include "levels.hpp"
#include "local/cell_planes.hpp"
#include "local/local.hpp"
#include "metrics/metrics_rows.hpp"
#include "popcount/popcount.hpp"

namespace docbin {

struct Target {
    const char *name;  // the level, as the file itself says
    bitsliced::Kernels bitsliced;
    choice::Kernels choice;
    document::Kernels document;
    edge::Kernels edge;
    fixed::Kernels fixed;
    head::Kernels head;
    local::Kernels local;
    metrics::Kernels metrics;
    planes::Kernels planes;
    popcount::Kernels popcount;
    stem::Kernels stem;
};

// The best tables of a level on this CPU: within AVX-512 a family takes VNNI (level "avx512vnni") or VPOPCNTDQ where it has a use for it.
const Target &target(Level level);

// The name of the target whose table this thread took last: proof of what ran.
const char *last_target();

}  // namespace docbin
