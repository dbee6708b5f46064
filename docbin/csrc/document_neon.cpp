// The document kernels compiled for level "neon".
#define DOCBIN_LEVEL neon
#include "document_body.hpp"
