// The Python face of the compiled core. Each kernel family brings its own bind_*.cpp with one function; this file only calls them.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "levels.hpp"
#include "target.hpp"

namespace nb = nanobind;

namespace docbin {
void bind_assessment(nb::module_ &m);
void bind_cell_planes(nb::module_ &m);
void bind_document(nb::module_ &m);
void bind_engine(nb::module_ &m);
void bind_files(nb::module_ &m);
void bind_fixed_point(nb::module_ &m);
void bind_jbig2(nb::module_ &m);
void bind_local(nb::module_ &m);
void bind_metrics(nb::module_ &m);
void bind_popcount(nb::module_ &m);
void bind_stem(nb::module_ &m);
}  // namespace docbin

NB_MODULE(_core, m) {
    m.doc() = "docbin's compiled kernels; call them through docbin.kernels, which picks the level.";
    m.attr("interface") = 12;  // raise it with docbin.kernels.INTERFACE whenever a function below is called otherwise than before
    m.def("available_levels", &docbin::available_levels, "Levels this build and this CPU can run, worst first.");
    m.def("last_target", [] { return std::string(docbin::last_target()); },
          "The target whose kernels this thread ran last, as its file names itself: proof of what ran.");
    docbin::bind_assessment(m);
    docbin::bind_cell_planes(m);
    docbin::bind_document(m);
    docbin::bind_engine(m);
    docbin::bind_files(m);
    docbin::bind_fixed_point(m);
    docbin::bind_jbig2(m);
    docbin::bind_local(m);
    docbin::bind_metrics(m);
    docbin::bind_popcount(m);
    docbin::bind_stem(m);
}
