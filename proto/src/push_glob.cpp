#include <vector>

#include "weft/proto/push_evaluator.hpp"

namespace weft::proto {

namespace {

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// Between two word characters there is no boundary; everywhere else there is.
bool is_boundary(std::string_view text, std::size_t at) {
    return at == 0 || at >= text.size() || !is_word(text[at - 1]) || !is_word(text[at]);
}

/// Bytes of the code point that starts at `at`.
std::size_t step(std::string_view text, std::size_t at) {
    std::size_t next = at + 1;
    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xC0) == 0x80) ++next;
    return next - at;
}

bool has_wildcards(std::string_view pattern) {
    return pattern.find_first_of("*?") != std::string_view::npos;
}

void append_utf8(std::string& out, char32_t c) {
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else {  // fold_case() only makes letters below U+0800
        out += static_cast<char>(0xC0 | c >> 6);
        out += static_cast<char>(0x80 | (c & 0x3F));
    }
}

char32_t fold_two_byte(char32_t c) {
    if (c >= 0xC0 && c <= 0xDE && c != 0xD7) return c + 0x20;                // Latin-1
    if (c >= 0x100 && c <= 0x137 && c != 0x130 && c != 0x131) return c | 1;  // Latin Extended-A, in pairs
    if (c >= 0x139 && c <= 0x148) return c % 2 == 1 ? c + 1 : c;
    if (c >= 0x14A && c <= 0x177) return c | 1;
    if (c >= 0x391 && c <= 0x3AB && c != 0x3A2) return c + 0x20;  // Greek
    if (c >= 0x410 && c <= 0x42F) return c + 0x20;                // Cyrillic
    if (c >= 0x400 && c <= 0x40F) return c + 0x50;
    return c;
}

/// The states of the pattern as a machine: state i means that i characters of the pattern have matched.
class GlobMachine {
public:
    explicit GlobMachine(std::string_view pattern)
        : pattern_{pattern}, active_(pattern.size() + 1), next_(pattern.size() + 1) {}

    void enter(std::size_t state) {
        // A star may match nothing, so the states behind it are entered with it.
        while (!active_[state]) {
            active_[state] = true;
            if (state < pattern_.size() && pattern_[state] == '*') {
                ++state;
            } else {
                return;
            }
        }
    }

    bool has_matched() const { return active_[pattern_.size()]; }

    /// Takes one byte; `first_of_character` tells whether `?` may count it.
    void consume(char c, bool first_of_character) {
        active_.swap(next_);
        std::fill(active_.begin(), active_.end(), false);
        for (std::size_t state = 0; state < pattern_.size(); ++state) {
            if (!next_[state]) continue;
            if (pattern_[state] == '*') {
                enter(state);
            } else if (pattern_[state] == '?' ? first_of_character : pattern_[state] == c) {
                enter(state + 1);
            }
        }
        // The further bytes of a character belong to the `?` that took its first.
        if (first_of_character) return;
        for (std::size_t state = 1; state <= pattern_.size(); ++state) {
            if (next_[state] && pattern_[state - 1] == '?') enter(state);
        }
    }

private:
    std::string_view pattern_;
    std::vector<bool> active_, next_;
};

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text) {
    if (!has_wildcards(pattern)) return pattern == text;
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;  // last star, and where in the text it was tried to end
    std::size_t star_text = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_text = t;
        } else if (p < pattern.size() && pattern[p] == '?') {
            ++p;
            t += step(text, t);
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            star_text += step(text, star_text);
            t = star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

bool contains_words(std::string_view words, std::string_view text) {
    for (auto at = text.find(words); at != std::string_view::npos; at = text.find(words, at + 1)) {
        if (is_boundary(text, at) && is_boundary(text, at + words.size())) return true;
        if (at == text.size()) break;
    }
    return false;
}

bool glob_matches_words(std::string_view pattern, std::string_view text) {
    if (!has_wildcards(pattern)) return contains_words(pattern, text);
    GlobMachine machine{pattern};
    for (std::size_t at = 0; at <= text.size(); ++at) {
        if (is_boundary(text, at)) machine.enter(0);
        if (machine.has_matched() && is_boundary(text, at)) return true;
        if (at == text.size()) break;
        machine.consume(text[at], (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80);
    }
    return false;
}

std::string fold_case(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c >= 'A' && c <= 'Z') {
            out += static_cast<char>(c + ('a' - 'A'));
        } else if (c >= 0xC2 && c < 0xE0 && i + 1 < text.size()) {
            const auto second = static_cast<unsigned char>(text[++i]);
            append_utf8(out, fold_two_byte(static_cast<char32_t>((c & 0x1F) << 6 | (second & 0x3F))));
        } else {
            out += static_cast<char>(c);
        }
    }
    return out;
}

std::string escape_property_name(std::string_view name) {
    std::string out;
    out.reserve(name.size());
    for (const char c : name) {
        if (c == '.' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

}  // namespace weft::proto
