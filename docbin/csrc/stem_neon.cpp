#include "stem_rows.hpp"

void docbin::stem::run_neon(const Job &job) { run(job); }
