// The document kernels compiled for level "avx2".
#define DOCBIN_LEVEL avx2
#include "document_body.hpp"
