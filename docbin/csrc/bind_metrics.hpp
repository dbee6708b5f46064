// Binds the kernels of docbin/metrics.
#pragma once
#include <nanobind/nanobind.h>

void bind_metrics(nanobind::module_ &m);
