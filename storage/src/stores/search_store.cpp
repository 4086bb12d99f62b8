#include "weft/storage/search_store.hpp"

#include <cstdlib>
#include <set>

namespace weft::storage {
namespace {

#define WEFT_HITS                                                                            \
    " FROM event_search AS s, websearch_to_tsquery('english', $1) AS q WHERE s.vector @@ q " \
    "AND s.room_id = ANY ($2::text[]) AND s.key = ANY ($3::text[])"
#define WEFT_COLUMNS "SELECT s.event_id, s.room_id, ts_rank_cd(s.vector, q)"

constexpr Sql kByRank{"search_by_rank", WEFT_COLUMNS WEFT_HITS
                      " ORDER BY ts_rank_cd(s.vector, q) DESC, s.origin_server_ts DESC, s.stream_ordering "
                      "DESC LIMIT $4 OFFSET $5"};
constexpr Sql kByTime{"search_by_time", WEFT_COLUMNS WEFT_HITS
                      " ORDER BY s.origin_server_ts DESC, s.stream_ordering DESC LIMIT $4 OFFSET $5"};
constexpr Sql kCount{"search_count", "SELECT count(*)" WEFT_HITS};

#undef WEFT_HITS
#undef WEFT_COLUMNS

// Found words stand between two characters of the private use area, which are taken out of the text first.
constexpr std::string_view kBegin = "\xEE\x80\x80";
constexpr std::string_view kEnd = "\xEE\x80\x81";
constexpr Sql kHighlight{"search_highlight", R"sql(
    SELECT ts_headline('english', translate(t.text, E'\uE000\uE001', ''), websearch_to_tsquery('english', $1),
                       E'HighlightAll=true, StartSel=\uE000, StopSel=\uE001')
    FROM unnest($2::text[]) AS t(text))sql"};

std::string lower(std::string_view text) {
    std::string out{text};
    for (auto& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

}  // namespace

Task<std::vector<SearchHit>> SearchStore::find(SearchTerms terms, SearchOrder order, std::size_t limit,
                                               std::size_t offset) {
    const auto& sql = order == SearchOrder::kRank ? kByRank : kByTime;
    std::vector<SearchHit> out;
    for (const auto row :
         co_await context_.db.query(sql, terms.text, terms.rooms, terms.keys, limit, offset)) {
        out.push_back({proto::EventId::trusted(row[0].str()), row[1].str(),
                       std::strtod(row[2].str().c_str(), nullptr)});
    }
    co_return out;
}

Task<std::int64_t> SearchStore::count(SearchTerms terms) {
    co_return (co_await context_.db.query(kCount, terms.text, terms.rooms, terms.keys)).front()[0].i64();
}

Task<std::vector<std::string>> SearchStore::matching_words(std::string search_text,
                                                           std::vector<std::string> texts) {
    std::set<std::string> words;
    for (const auto row : co_await context_.db.query(kHighlight, search_text, texts)) {
        auto text = row[0].view();
        for (auto begin = text.find(kBegin); begin != text.npos; begin = text.find(kBegin)) {
            text.remove_prefix(begin + kBegin.size());
            const auto end = std::min(text.find(kEnd), text.size());
            words.insert(lower(text.substr(0, end)));
        }
    }
    co_return std::vector<std::string>{words.begin(), words.end()};
}

}  // namespace weft::storage
