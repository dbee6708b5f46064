// Every kernel family, for the target that includes this after its vector words.
#pragma once
#include "document/document_body.hpp"
#include "engine/bitsliced_body.hpp"
#include "engine/choice_body.hpp"
#include "engine/edge_body.hpp"
#include "engine/head_body.hpp"
#include "engine/stem_body.hpp"
#include "fixed/fixed_point_body.hpp"
#include "local/cell_planes_body.hpp"
#include "local/local_body.hpp"
#include "metrics/metrics_rows_body.hpp"
#include "popcount/popcount_body.hpp"
#include "target.hpp"

namespace docbin {
namespace {

constexpr Target tables(const char *name) {
    return {name, bitsliced::table, choice::table, document::table, edge::table, fixed::table, head::table, local::table, metrics::table, planes::table, popcount::table, stem::table};
}

}  // namespace
}  // namespace docbin
