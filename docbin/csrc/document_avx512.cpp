// The document kernels compiled for level "avx512".
#define DOCBIN_LEVEL avx512
#include "document_body.hpp"
