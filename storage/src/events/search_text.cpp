#include "events/search_text.hpp"

#include "weft/proto/event_types.hpp"

namespace weft::storage {
namespace {

std::optional<std::string_view> searchable_member(const proto::Event& event) {
    if (event.type() == proto::event_type::kMessage) return "body";
    if (event.is_state(proto::event_type::kName)) return "name";
    if (event.is_state(proto::event_type::kTopic)) return "topic";
    return std::nullopt;
}

}  // namespace

std::optional<SearchText> search_text_of(const proto::Event& event) {
    const auto member = searchable_member(event);
    if (!member) return std::nullopt;
    const auto text = proto::get_string(event.content(), *member);
    if (!text || text->empty()) return std::nullopt;
    return SearchText{"content." + std::string{*member}, std::string{*text}};
}

}  // namespace weft::storage
