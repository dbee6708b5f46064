#include "stem_rows.hpp"

void docbin::stem::run_avx512(const Job &job) { run(job); }
