#pragma once

#include <optional>
#include <string>

#include "weft/proto/event.hpp"

namespace weft::storage {

/// What of an event goes into the full-text index `event_search`.
struct SearchText {
    std::string key;  // content.body, content.name or content.topic: what searches may be restricted to
    std::string text;
};

/// The text that a search finds the event by; none if it has none.
std::optional<SearchText> search_text_of(const proto::Event& event);

}  // namespace weft::storage
