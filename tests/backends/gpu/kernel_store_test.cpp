// Compiled kernels on disk: what was kept is found, and whatever else lies there is not taken for it.
#include "rustorch/backends/gpu/kernel_store.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <random>

#include "support/child_process.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace rustorch::testing {
namespace {

namespace fs = std::filesystem;
using gpu::KernelStore;
using gpu::KernelStoreSettings;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// What a store has for a source; "nothing" if it has none.
std::string found(const KernelStore& store, std::string_view source) {
  const std::optional<gpu::KernelBinary> binary = store.find(source);
  if (!binary) return "nothing";
  return {reinterpret_cast<const char*>(binary->bytes().data()), binary->bytes().size()};
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".kernel") paths.push_back(entry.path());
  }
  return paths;
}

class KernelStoreTest : public ::testing::Test {
 protected:
  /// A store's only file.
  fs::path only_file() const {
    const std::vector<fs::path> entries = entries_of(folder / "kernels");
    EXPECT_EQ(entries.size(), 1u);
    return entries.empty() ? fs::path() : entries[0];
  }
  KernelStoreSettings settings() const { return {.folder = folder / "kernels"}; }

  const TemporaryFolder folder;
  const std::string source = "the source", binary = "the compiled form";
};

TEST_F(KernelStoreTest, GivesWhatItKept) {
  KernelStore store(settings(), "compiler");
  EXPECT_EQ(found(store, source), "nothing");
  EXPECT_TRUE(store.keep(source, bytes_of(binary)));
  EXPECT_EQ(found(store, source), binary);
  EXPECT_EQ(found(store, "another source"), "nothing");
  EXPECT_EQ(found(KernelStore(settings(), "another compiler"), source), "nothing");
  EXPECT_EQ(found(KernelStore(settings(), "compiler"), source), binary);
  EXPECT_TRUE(store.keep(source, bytes_of("better")));
  EXPECT_EQ(found(store, source), "better");
  EXPECT_FALSE(store.keep("without a compiled form", {}));
  EXPECT_EQ(entries_of(folder / "kernels").size(), 1u);
  EXPECT_EQ(fs::status(folder / "kernels").permissions(), fs::perms::owner_all);
}

TEST_F(KernelStoreTest, DamagedFilesAreNotThere) {
  KernelStore store(settings(), "compiler");
  ASSERT_TRUE(store.keep(source, bytes_of(binary)));
  const fs::path path = only_file();
  const std::string whole = read_file(path);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char flip : {'\x01', '\x80'}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      write_file(path, damaged);
      ASSERT_EQ(found(store, source), "nothing") << "byte " << at;
    }
    write_file(path, whole.substr(0, at));
    ASSERT_EQ(found(store, source), "nothing") << "cut off after " << at << " bytes";
    if (at > 0) {
      write_file(path, whole.substr(0, at) + std::string(whole.size() - at, '\0'));
      ASSERT_EQ(found(store, source), "nothing") << "zeros from " << at;
    }
  }
  write_file(path, whole + "x");
  EXPECT_EQ(found(store, source), "nothing");
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    std::string noise(random() % (2 * whole.size()), '\0');
    for (char& byte : noise) byte = static_cast<char>(random());
    write_file(path, i % 2 == 0 ? noise : whole.substr(0, 12) + noise);
    ASSERT_EQ(found(store, source), "nothing");
  }
  write_file(path, whole);
  EXPECT_EQ(found(store, source), binary);
  write_file(path, whole.substr(0, 20));
  EXPECT_TRUE(store.keep(source, bytes_of(binary)));  // in place of the damaged one
  EXPECT_EQ(read_file(path), whole);
}

TEST_F(KernelStoreTest, FilesThatLieAboutTheirSizeAreNotThere) {
  KernelStore store(settings(), "compiler");
  ASSERT_TRUE(store.keep(source, bytes_of(binary)));
  const fs::path path = only_file();
  const std::string whole = read_file(path);
  for (std::size_t field = 16; field < 40; field += 8) {
    for (const std::uint64_t lie : {std::uint64_t{0}, std::uint64_t{1} << 62, ~std::uint64_t{0},
                                    gpu::most_kernel_binary_bytes, gpu::most_kernel_binary_bytes + 1}) {
      std::string lying = whole;
      std::memcpy(lying.data() + field, &lie, sizeof(lie));
      write_file(path, lying);
      EXPECT_EQ(found(store, source), "nothing") << lie << " at " << field;
    }
  }
  write_file(path, whole);
  fs::resize_file(path, std::uint64_t{1} << 40);  // takes no room on the disk
  EXPECT_EQ(found(store, source), "nothing");
}

TEST_F(KernelStoreTest, EntriesOfOthersAreNotTaken) {
  KernelStore store(settings(), "compiler"), other(settings(), "COMPILER");
  ASSERT_TRUE(store.keep(source, bytes_of(binary)));
  const fs::path path = only_file();
  fs::remove(path);
  for (const char* const foreign : {"the sourcE", "thesource "}) {
    ASSERT_TRUE(store.keep(foreign, bytes_of("foreign")));
    fs::rename(only_file(), path);  // as if the hashes were the same
    EXPECT_EQ(found(store, source), "nothing");
    fs::remove(path);
  }
  ASSERT_TRUE(other.keep(source, bytes_of("foreign")));
  fs::rename(only_file(), path);
  EXPECT_EQ(found(store, source), "nothing");
}

TEST_F(KernelStoreTest, ThingsThatAreNoFilesAreNotThere) {
  KernelStore store(settings(), "compiler");
  ASSERT_TRUE(store.keep(source, bytes_of(binary)));
  const fs::path path = only_file();
  fs::remove(path);
  fs::create_directory(path);
  EXPECT_EQ(found(store, source), "nothing");
  EXPECT_FALSE(store.keep(source, bytes_of(binary)));
  fs::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(found(store, source), "nothing");
  fs::remove(path);
  fs::create_symlink("/dev/zero", path);
  EXPECT_EQ(found(store, source), "nothing");
  fs::remove(path);
  fs::create_symlink("nowhere", path);
  EXPECT_EQ(found(store, source), "nothing");
}

TEST_F(KernelStoreTest, WhereNothingCanBeWrittenItGoesOn) {
  write_file(folder / "file", "");
  const std::vector<fs::path> impossible = {folder / "file", folder / "file" / "below", "/proc/kernels"};
  for (const fs::path& place : impossible) {
    const std::string told = in_child({{"RUSTORCH_LOG", "warn"}}, [&] {
      KernelStore store({.folder = place}, "compiler");
      ::testing::internal::CaptureStderr();
      const bool kept = store.keep("a", bytes_of("A")) || store.keep("b", bytes_of("B"));
      const std::string text = ::testing::internal::GetCapturedStderr();
      return kept || found(store, "a") != "nothing" ? "kept" : text;
    });
    EXPECT_TRUE(told.starts_with("rustorch: warn: compiled kernels are not kept on disk: " + place.string()))
        << told;
    EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 1) << told;
    const std::string quiet = in_child({{"RUSTORCH_LOG", nullptr}}, [&] {
      KernelStore store({.folder = place}, "compiler");
      ::testing::internal::CaptureStderr();
      store.keep("a", bytes_of("A"));
      return ::testing::internal::GetCapturedStderr();
    });
    EXPECT_EQ(quiet, "");
  }
}

TEST_F(KernelStoreTest, AFullDiskIsLeftAsItWas) {
  KernelStore before(settings(), "compiler");
  ASSERT_TRUE(before.keep(source, bytes_of(binary)));
  const int code = exit_code_in_child([&] {
    const rlimit most{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &most);
    KernelStore store(settings(), "compiler");
    if (store.keep(source, bytes_of(std::string(100000, 'x')))) return 1;
    return store.keep("small", bytes_of("fits")) ? 0 : 2;
  });
  EXPECT_EQ(code, 0);
  EXPECT_EQ(found(before, source), binary);
  EXPECT_EQ(found(before, "small"), "fits");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder / "kernels"), fs::directory_iterator()), 2);
}

TEST_F(KernelStoreTest, TheLeastRecentlyUsedGoFirst) {
  const std::string large(10000, 'x');
  KernelStoreSettings limited = settings();
  limited.limit_bytes = 85000;
  KernelStore store(limited, "compiler");
  for (char name = 'a'; name < 'i'; ++name) {
    ASSERT_TRUE(store.keep(std::string(1, name), bytes_of(large)));
    for (const fs::path& path : entries_of(folder / "kernels")) {  // each an hour older than the next
      fs::last_write_time(path, fs::last_write_time(path) - std::chrono::hours(1));
    }
  }
  write_file(folder / "kernels" / "of the user", large);
  EXPECT_EQ(entries_of(folder / "kernels").size(), 8u);
  EXPECT_EQ(found(store, "a"), large);  // and so it is the last to go
  ASSERT_TRUE(store.keep("i", bytes_of(large)));
  EXPECT_EQ(found(store, "a"), large);
  EXPECT_EQ(found(store, "b"), "nothing");
  EXPECT_EQ(found(store, "h"), large);
  EXPECT_EQ(found(store, "i"), large);
  EXPECT_TRUE(fs::exists(folder / "kernels" / "of the user"));
  EXPECT_FALSE(store.keep("too large", bytes_of(std::string(85000, 'x'))));
  EXPECT_EQ(found(store, "i"), large);

  limited.limit_bytes = 0;
  EXPECT_FALSE(KernelStore(limited, "compiler").is_on());
  EXPECT_FALSE(KernelStore(limited, "compiler").keep("a", bytes_of("x")));
}

TEST_F(KernelStoreTest, WhatKilledProcessesLeftGoesLater) {
  const std::string large(1 << 20, 'x');
  for (int round = 0; round < 10; ++round) {
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
      KernelStore store(settings(), "compiler");
      for (;;) store.keep(source, bytes_of(large));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5 + 3 * round));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const std::string now = found(KernelStore(settings(), "compiler"), source);
    EXPECT_TRUE(now == "nothing" || now == large);
  }
  const fs::path kernels = folder / "kernels";
  fs::create_directories(kernels);
  const fs::path stale = kernels / ".1-2-3.kernel.77.0.tmp", fresh = kernels / ".1-2-3.kernel.78.0.tmp";
  for (const fs::path& path : {stale, fresh}) write_file(path, "half");
  fs::last_write_time(stale, fs::file_time_type::clock::now() - std::chrono::hours(2));
  EXPECT_TRUE(KernelStore(settings(), "compiler").keep(source, bytes_of(binary)));
  EXPECT_FALSE(fs::exists(stale));
  EXPECT_TRUE(fs::exists(fresh));
  EXPECT_EQ(found(KernelStore(settings(), "compiler"), source), binary);
}

TEST_F(KernelStoreTest, ProcessesShareAFolder) {
  const auto work = [&](int process) {
    KernelStoreSettings limited = settings();
    limited.limit_bytes = 400000;  // less than all of them write: they remove each other's
    KernelStore store(limited, "compiler");
    for (int i = 0; i < 200; ++i) {
      const std::string name = std::to_string((i * 7 + process) % 60);
      const std::string wanted = name + std::string(10000, 'x');
      const std::string now = found(store, name);
      if (now != "nothing" && now != wanted) return 1;
      if (now == "nothing" && !store.keep(name, bytes_of(wanted))) return 2;
    }
    return 0;
  };
  std::vector<std::thread> waiting;
  std::array<int, 3> codes{-1, -1, -1};
  for (int process = 0; process < 3; ++process) {
    waiting.emplace_back([&, process] {
      codes[static_cast<std::size_t>(process)] = exit_code_in_child([&] { return work(process); });
    });
  }
  for (std::thread& thread : waiting) thread.join();
  EXPECT_EQ(codes, (std::array<int, 3>{0, 0, 0}));
}

TEST(KernelStoreSettingsTest, ComeFromTheEnvironment) {
  const auto folder_with = [](const char* own, const char* caches, const char* home) {
    return in_child({{"RUSTORCH_CACHE_DIR", own},
                     {"RUSTORCH_KERNEL_CACHE_LIMIT", nullptr},
                     {"XDG_CACHE_HOME", caches},
                     {"HOME", home}},
                    [] { return gpu::kernel_store_settings().folder.string(); });
  };
  EXPECT_EQ(folder_with("/own", "/caches", "/home/me"), "/own/kernels");
  EXPECT_EQ(folder_with("/own/", "/caches", "/home/me"), "/own/kernels");
  EXPECT_EQ(folder_with("own", "/caches", "/home/me"), (fs::current_path() / "own/kernels").string());
  EXPECT_EQ(folder_with("", "/caches", "/home/me"), "/caches/rustorch/kernels");
  EXPECT_EQ(folder_with(nullptr, "/caches", "/home/me"), "/caches/rustorch/kernels");
  EXPECT_EQ(folder_with(nullptr, "relative", "/home/me"), "/home/me/.cache/rustorch/kernels");
  EXPECT_EQ(folder_with(nullptr, nullptr, "/home/me"), "/home/me/.cache/rustorch/kernels");
  EXPECT_EQ(folder_with(nullptr, "", ""), "");
  EXPECT_EQ(folder_with(nullptr, nullptr, nullptr), "");

  const auto limit_with = [](const char* limit) {
    return in_child({{"RUSTORCH_KERNEL_CACHE_LIMIT", limit}},
                    [] { return std::to_string(gpu::kernel_store_settings().limit_bytes); });
  };
  EXPECT_EQ(limit_with(nullptr), std::to_string(1 << 30));
  EXPECT_EQ(limit_with("5000"), "5000");
  EXPECT_EQ(limit_with("0"), "0");
  EXPECT_TRUE(limit_with("much").starts_with("Error: RUSTORCH_KERNEL_CACHE_LIMIT: \"much\" is not a number"));
}

}  // namespace
}  // namespace rustorch::testing
