#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weft/core/smtp.hpp"
#include "weft/proto/event.hpp"

namespace weft::handlers {

/// What is told of one room.
struct MailedRoom {
    std::string room_id;
    std::string name;                // empty: it has none
    std::vector<std::string> lines;  // one an event, oldest first
};

/// A line about an event that `who` sent; `with_content`: with what was said.
std::string mailed_line(const proto::Event& event, std::string_view who, bool with_content);

/// The mail that tells of the rooms, at least one.
core::Mail notification_mail(std::string to, std::string_view app_name, const std::vector<MailedRoom>& rooms);

}  // namespace weft::handlers
