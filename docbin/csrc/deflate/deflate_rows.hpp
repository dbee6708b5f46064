// DEFLATE (RFC 1951) of the packed rows of a 1-bit page.
#pragma once
#include <cstdint>
#include <vector>

namespace docbin::deflate {

// The deflated form of `size` bytes, a raw stream without zlib's header and checksum. `stride`: bytes from a row to the next, 1 to 32768; what stands above a
// byte is looked at first, for most of what comes again in a 1-bit page comes again there. size is at most 2^30.
std::vector<std::uint8_t> deflate_rows(const std::uint8_t *data, std::int64_t size, std::int64_t stride);

}  // namespace docbin::deflate
