#include "stem_rows.hpp"

void docbin::stem::run_scalar(const Job &job) { run(job); }
