// The document kernels compiled for level "scalar".
#define DOCBIN_LEVEL scalar
#include "document_body.hpp"
