// The Python face of the compiled core. Each kernel family brings its own bind_*.cpp with one function; this file only calls them.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bind_metrics.hpp"
#include "levels.hpp"

namespace nb = nanobind;

namespace docbin {
void bind_document(nb::module_ &m);
void bind_local(nb::module_ &m);
}

NB_MODULE(_core, m) {
    m.doc() = "docbin's compiled kernels; call them through docbin.kernels, which picks the level.";
    m.def("available_levels", &docbin::available_levels, "Levels this build and this CPU can run, worst first.");
    docbin::bind_document(m);
    docbin::bind_local(m);
    bind_metrics(m);
}
