#include "rustorch/backends/gpu/kernel_entry.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace rustorch::gpu {
namespace {

constexpr std::array<char, 8> magic = {'R', 'T', 'k', 'e', 'r', 'n', 'e', 'l'};
constexpr std::uint32_t format_version = 1;

struct Sizes {
  std::uint64_t compiler = 0, source = 0, binary = 0;
};

/// How a file begins.
struct Header {
  std::array<char, 8> magic{};
  std::uint32_t version = 0;
  std::uint32_t checksum = 0;  ///< of `sizes` and what follows them
  Sizes sizes;
};
static_assert(sizeof(Header) == 40);

std::uint32_t checksum_of(std::uint32_t before, const void* data, std::size_t bytes) {
  return static_cast<std::uint32_t>(crc32_z(before, static_cast<const Bytef*>(data), bytes));
}

bool read_all(int descriptor, void* destination, std::size_t bytes) {
  auto* to = static_cast<char*>(destination);
  while (bytes > 0) {
    const ssize_t count = ::read(descriptor, to, bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    to += count;
    bytes -= static_cast<std::size_t>(count);
  }
  return true;
}

}  // namespace

std::string kernel_entry_head(const KernelOrigin& origin, std::span<const std::byte> binary) {
  Header header{magic, format_version, 0, {origin.compiler.size(), origin.source.size(), binary.size()}};
  header.checksum = checksum_of(0, &header.sizes, sizeof(header.sizes));
  header.checksum = checksum_of(header.checksum, origin.compiler.data(), origin.compiler.size());
  header.checksum = checksum_of(header.checksum, origin.source.data(), origin.source.size());
  header.checksum = checksum_of(header.checksum, binary.data(), binary.size());
  std::string head(sizeof(header), '\0');
  std::memcpy(head.data(), &header, sizeof(header));
  head += origin.compiler;
  head += origin.source;
  return head;
}

std::optional<KernelBinary> read_kernel_entry(int descriptor, const KernelOrigin& origin) {
  struct stat status {};
  Header header;
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  if (!read_all(descriptor, &header, sizeof(header))) return std::nullopt;
  if (header.magic != magic || header.version != format_version) return std::nullopt;
  const Sizes& sizes = header.sizes;
  if (sizes.compiler != origin.compiler.size() || sizes.source != origin.source.size() || sizes.binary == 0 ||
      sizes.binary > most_kernel_binary_bytes)
    return std::nullopt;
  const std::size_t begin = origin.compiler.size() + origin.source.size();
  const std::size_t rest = begin + static_cast<std::size_t>(sizes.binary);
  if (static_cast<std::uint64_t>(status.st_size) != sizeof(header) + rest) return std::nullopt;

  std::vector<std::byte> contents(rest);
  if (!read_all(descriptor, contents.data(), rest)) return std::nullopt;
  const std::uint32_t checksum = checksum_of(0, &header.sizes, sizeof(header.sizes));
  if (checksum_of(checksum, contents.data(), rest) != header.checksum) return std::nullopt;
  const std::string_view text(reinterpret_cast<const char*>(contents.data()), begin);
  if (!text.starts_with(origin.compiler) || !text.ends_with(origin.source)) return std::nullopt;
  return KernelBinary(std::move(contents), begin);
}

}  // namespace rustorch::gpu
