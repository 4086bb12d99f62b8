#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weft/proto/ids.hpp"
#include "weft/storage/store_context.hpp"

namespace weft::storage {

enum class SearchOrder { kRank, kRecent };

struct SearchHit {
    proto::EventId event_id;
    std::string room_id;
    double rank = 0;
};

/// What is looked for: words in the way of web searches ("quoted phrases", or, -not).
struct SearchTerms {
    std::string text;
    std::vector<std::string> rooms;
    std::vector<std::string> keys;  // content.body, content.name, content.topic
};

/// Full-text search of events, in the index that is written with them. Logic thread only.
class SearchStore {
public:
    explicit SearchStore(StoreContext context) : context_{std::move(context)} {}

    /// A page of hits, best or newest first; `offset` hits are passed over.
    Task<std::vector<SearchHit>> find(SearchTerms terms, SearchOrder order, std::size_t limit,
                                      std::size_t offset);
    Task<std::int64_t> count(SearchTerms terms);
    /// The words of `texts` that the search found, as they stand there, in lower case and ordered.
    Task<std::vector<std::string>> matching_words(std::string search_text, std::vector<std::string> texts);

private:
    StoreContext context_;
};

}  // namespace weft::storage
