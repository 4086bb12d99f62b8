#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weft/core/result.hpp"
#include "weft/proto/event.hpp"

namespace weft::storage {

/// What stands for a writer in rows and tokens: a hash of its name. None: written before there were several.
using WriterTag = std::optional<std::uint32_t>;
std::uint32_t writer_tag(std::string_view instance_name);
WriterTag writer_of(const proto::Event& event);

/// A position in a stream with several writers: what each has written up to its own token has been seen.
/// Writers that are not named stand at the lower bound. With one writer it is a plain number. Text form:
/// `123`, or `m120~TAG.123~TAG.125` with the tags of the writers that are ahead, in base 36.
class WriterPositions {
public:
    WriterPositions(std::int64_t everybody = 0) : min_{everybody} {}
    /// Where each of some writers is.
    explicit WriterPositions(const std::map<std::string, std::int64_t>& positions);

    static core::Result<WriterPositions> parse(std::string_view text);
    std::string to_string() const;

    /// All that anybody wrote up to here has been seen.
    std::int64_t min() const { return min_; }
    /// Nothing after this has been seen.
    std::int64_t max() const;
    /// Grows whenever any writer's part does.
    std::int64_t sum() const;
    std::int64_t of(WriterTag writer) const;
    bool covers(WriterTag writer, std::int64_t token) const { return token <= of(writer); }
    bool is_plain() const { return ahead_.empty(); }
    /// The later of both for each writer.
    WriterPositions merged(const WriterPositions& other) const;
    /// The same, but nobody beyond `token`.
    WriterPositions capped(std::int64_t token) const;

    /// For statements: the tags of the writers that are ahead, and where they are.
    std::vector<std::int64_t> tags() const;
    std::vector<std::int64_t> tokens() const;

    bool operator==(const WriterPositions&) const = default;
    auto operator<=>(const WriterPositions&) const = default;  // any order, for maps

private:
    void tidy();

    std::int64_t min_;
    std::map<std::uint32_t, std::int64_t> ahead_;  // by tag; all above min_
};

}  // namespace weft::storage
