#include "push/notification_mail.hpp"

#include <fmt/format.h>

#include "weft/proto/event_types.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {
namespace {

constexpr std::size_t kTextBytesMax = 400;
constexpr std::size_t kNameBytesMax = 60;  // it is part of a header

/// Control characters would break lines and headers; long texts are cut between characters.
std::string one_line(std::string_view text, std::size_t bytes_max = kTextBytesMax) {
    std::string out;
    for (const char c : text) {
        const bool continues = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
        if (out.size() >= bytes_max && !continues) return out + "...";
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
    }
    return out;
}

std::string name_of(const MailedRoom& room) {
    return room.name.empty() ? std::string{"a conversation"} : one_line(room.name, kNameBytesMax);
}

}  // namespace

std::string mailed_line(const proto::Event& event, std::string_view who, bool with_content) {
    const auto sender = one_line(who, kNameBytesMax);
    if (event.type() == proto::event_type::kMember && event.membership() == "invite")
        return sender + " invites you";
    if (event.type() == proto::event_type::kEncrypted) return sender + " sent an encrypted message";
    const auto body = proto::get_string(event.content(), "body");
    if (!with_content || !body) return sender + " sent a message";
    return sender + ": " + one_line(*body);
}

core::Mail notification_mail(std::string to, std::string_view app_name,
                             const std::vector<MailedRoom>& rooms) {
    core::Mail mail;
    mail.to = std::move(to);
    mail.subject = rooms.size() == 1
                       ? fmt::format("[{}] New messages in {}", app_name, name_of(rooms.front()))
                       : fmt::format("[{}] New messages in {} rooms", app_name, rooms.size());
    for (const auto& room : rooms) {
        mail.text += fmt::format("In {}:\n\n", name_of(room));
        for (const auto& line : room.lines) mail.text += "  " + line + "\n";
        mail.text += fmt::format("\n  https://matrix.to/#/{}\n\n", room.room_id);
    }
    mail.text += "You get this mail because you asked for it in the settings of your client.\n";
    return mail;
}

}  // namespace weft::handlers
