// weft-thumbnailer SOURCE TARGET WIDTH HEIGHT crop|scale animated|still PIXELS_MAX
// weft-thumbnailer SOURCE
//
// Makes one thumbnail with libvips and prints its type, or prints the width and height of an image. A program of its own, because it decodes what anybody
// may have uploaded: it limits its own memory and time, reads the few common formats only, and if it falls,
// nothing else does. Exit status: 0 made, 2 usage, 3 no image that can be read, 4 too many pixels.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <sys/resource.h>
#include <unistd.h>

#include <vips/vips.h>

namespace {

constexpr int kUsage = 2;
constexpr int kUnreadable = 3;
constexpr int kTooLarge = 4;

/// AddressSanitizer reserves more address space than there is memory.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WEFT_SANITIZED
#endif
#if __has_feature(thread_sanitizer)
/// All threads but the first are of libvips, which is not instrumented: how they wait for each other cannot be seen.
#define WEFT_BLIND_TO_LIBRARIES
#endif
#endif
#if defined(WEFT_SANITIZED) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

constexpr rlim_t kMemoryBytesMax = 2ULL * 1024 * 1024 * 1024;
constexpr rlim_t kFileBytesMax = 64ULL * 1024 * 1024;
constexpr rlim_t kCpuSecondsMax = 20;
constexpr unsigned kSecondsMax = 40;
constexpr int kFramesMax = 60;

struct Unref {
    void operator()(VipsImage* image) const { g_object_unref(image); }
};
using Image = std::unique_ptr<VipsImage, Unref>;

struct Wish {
    std::string source;
    std::string target;
    int width = 0;
    int height = 0;
    bool crop = false;
    bool animated = false;
    long long pixels_max = 0;
};

void limit(int what, rlim_t most) {
    const rlimit value{most, most};
    setrlimit(static_cast<__rlimit_resource_t>(what), &value);
}

void limit_ourselves() {
    if (!kSanitized) limit(RLIMIT_AS, kMemoryBytesMax);
    limit(RLIMIT_FSIZE, kFileBytesMax);
    limit(RLIMIT_CPU, kCpuSecondsMax);
    limit(RLIMIT_CORE, 0);
    alarm(kSecondsMax);
}

/// Of all that libvips can read, what people send each other: no SVG, PDF, TIFF, no ImageMagick.
bool restrict_loaders() {
    if (VIPS_INIT("weft-thumbnailer") != 0) return false;
    vips_block_untrusted_set(TRUE);
    vips_operation_block_set("VipsForeignLoad", TRUE);
    for (const char* loader :
         {"VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadNsgif", "VipsForeignLoadWebp"})
        vips_operation_block_set(loader, FALSE);
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    return true;
}

bool starts_like_an_image(const std::string& path) {
    std::array<char, 12> bytes{};
    std::ifstream{path, std::ios::binary}.read(bytes.data(), bytes.size());
    const std::string_view head{bytes.data(), bytes.size()};
    return head.starts_with("\xff\xd8\xff") || head.starts_with("\x89PNG\r\n\x1a\n") ||
           head.starts_with("GIF8") || (head.starts_with("RIFF") && head.substr(8, 4) == "WEBP");
}

int save(VipsImage* image, const Wish& wish, bool animated) {
    const char* type = "image/jpeg";
    int failed = 0;
    if (animated) {
        type = "image/webp";
        failed = vips_webpsave(image, wish.target.c_str(), "Q", 75, "strip", TRUE, nullptr);
    } else if (vips_image_hasalpha(image)) {
        type = "image/png";
        failed = vips_pngsave(image, wish.target.c_str(), "compression", 6, "strip", TRUE, nullptr);
    } else {
        failed = vips_jpegsave(image, wish.target.c_str(), "Q", 80, "strip", TRUE, "optimize_coding", TRUE,
                               nullptr);
    }
    if (failed != 0) return kUnreadable;
    std::puts(type);
    return 0;
}

int make(const Wish& wish) {
    const Image head{
        vips_image_new_from_file(wish.source.c_str(), "access", VIPS_ACCESS_SEQUENTIAL, nullptr)};
    if (!head) return kUnreadable;
    const auto pixels =
        static_cast<long long>(vips_image_get_width(head.get())) * vips_image_get_height(head.get());
    if (pixels > wish.pixels_max) return kTooLarge;
    const int frames = std::min(vips_image_get_n_pages(head.get()), kFramesMax);
    const bool animated = wish.animated && frames > 1 && pixels * frames <= wish.pixels_max;
    const auto source = animated ? wish.source + "[n=" + std::to_string(frames) + "]" : wish.source;

    VipsImage* made = nullptr;
    const auto interesting = wish.crop ? VIPS_INTERESTING_CENTRE : VIPS_INTERESTING_NONE;
    if (vips_thumbnail(source.c_str(), &made, wish.width, "height", wish.height, "size", VIPS_SIZE_DOWN,
                       "crop", interesting, nullptr) != 0) {
        return kUnreadable;
    }
    const Image thumbnail{made};
    return save(thumbnail.get(), wish, animated);
}

/// As it is to be shown: some cameras store pictures lying on their side, and say so.
int measure(const std::string& source) {
    const Image head{vips_image_new_from_file(source.c_str(), "access", VIPS_ACCESS_SEQUENTIAL, nullptr)};
    if (!head) return kUnreadable;
    int width = vips_image_get_width(head.get());
    int height = vips_image_get_height(head.get());
    if (vips_image_get_orientation_swap(head.get())) std::swap(width, height);
    std::printf("%d %d\n", width, height);
    return 0;
}

}  // namespace

#ifdef WEFT_BLIND_TO_LIBRARIES
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
    return "race:*\n";
}
#endif

int main(int argc, char** argv) {
    if (argc != 8 && argc != 2) return kUsage;
    Wish wish;
    wish.source = argv[1];
    if (argc == 2) {
        limit_ourselves();
        if (!starts_like_an_image(wish.source)) return kUnreadable;
        return restrict_loaders() ? measure(wish.source) : 1;
    }
    wish.target = argv[2];
    wish.width = std::atoi(argv[3]);
    wish.height = std::atoi(argv[4]);
    wish.crop = std::string_view{argv[5]} == "crop";
    wish.animated = std::string_view{argv[6]} == "animated";
    wish.pixels_max = std::atoll(argv[7]);
    if (wish.width < 1 || wish.height < 1) return kUsage;
    limit_ourselves();
    if (!starts_like_an_image(wish.source)) return kUnreadable;
    if (!restrict_loaders()) return 1;
    const int status = make(wish);
    if (status != 0) std::fputs(vips_error_buffer(), stderr);
    return status;
}
