#include "stem_rows.hpp"

void docbin::stem::run_avx2(const Job &job) { run(job); }
