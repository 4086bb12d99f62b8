#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>
#include <sodium.h>

#include "weft/core/smtp.hpp"

namespace weft::core {
namespace {

constexpr std::size_t kAddressBytesMax = 254;  // RFC 5321, 4.5.3.1
constexpr std::size_t kBase64Line = 76;        // RFC 2045, 6.8

std::string base64(std::string_view bytes) {
    std::string out(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                      bytes.size(), sodium_base64_VARIANT_ORIGINAL);
    out.pop_back();  // the NUL
    return out;
}

std::string in_lines(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += kBase64Line) {
        out += text.substr(at, kBase64Line);
        out += "\r\n";
    }
    return out;
}

bool is_plain(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < '\x7f'; });
}

/// A header's text; what is not ASCII becomes an encoded word (RFC 2047).
std::string header_text(std::string_view text) {
    return is_plain(text) ? std::string{text} : fmt::format("=?utf-8?B?{}?=", base64(text));
}

std::string mailbox_text(std::string_view mailbox) {
    const auto open = mailbox.find('<');
    if (open == std::string_view::npos || open == 0) return std::string{mailbox};
    auto name = mailbox.substr(0, open);
    while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
    return fmt::format("{} {}", header_text(name), mailbox.substr(open));
}

/// `%(app)s` stands for the name of the service.
std::string with_app_name(std::string text, std::string_view app_name) {
    static constexpr std::string_view kPlace = "%(app)s";
    if (const auto at = text.find(kPlace); at != std::string::npos) text.replace(at, kPlace.size(), app_name);
    return text;
}

/// RFC 5322, 3.3, whatever the locale.
std::string date_text(std::int64_t now_ms) {
    static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto seconds = static_cast<std::time_t>(now_ms / 1000);
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    return fmt::format("{}, {} {} {} {:02}:{:02}:{:02} +0000",
                       kDays.at(static_cast<std::size_t>(utc.tm_wday)), utc.tm_mday,
                       kMonths.at(static_cast<std::size_t>(utc.tm_mon)), utc.tm_year + 1900, utc.tm_hour,
                       utc.tm_min, utc.tm_sec);
}

}  // namespace

bool is_email_address(std::string_view text) {
    const auto at = text.find('@');
    if (text.size() > kAddressBytesMax || at == std::string_view::npos || at == 0) return false;
    if (at + 1 == text.size() || text.find('@', at + 1) != std::string_view::npos) return false;
    return std::ranges::all_of(text, [](char c) {
        return c > ' ' && c < '\x7f' && std::string_view{"<>()[]\\,;:\""}.find(c) == std::string_view::npos;
    });
}

std::string_view address_in(std::string_view mailbox) {
    const auto open = mailbox.find('<');
    const auto close = mailbox.rfind('>');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) return mailbox;
    return mailbox.substr(open + 1, close - open - 1);
}

std::string format_mail(const Mail& mail, const EmailConfig& config, std::int64_t now_ms,
                        std::string_view message_id) {
    std::string out;
    const auto header = [&out](std::string_view name, std::string_view value) {
        fmt::format_to(std::back_inserter(out), "{}: {}\r\n", name, value);
    };
    header("From", mailbox_text(with_app_name(config.notif_from, config.app_name)));
    header("To", mail.to);
    header("Subject", header_text(mail.subject));
    header("Date", date_text(now_ms));
    header("Message-ID", fmt::format("<{}>", message_id));
    header("MIME-Version", "1.0");
    header("Content-Type", "text/plain; charset=utf-8");
    header("Content-Transfer-Encoding", "base64");
    header("Auto-Submitted", "auto-generated");
    return out + "\r\n" + in_lines(base64(mail.text));
}

bool SmtpReply::offers(std::string_view extension) const {
    return std::ranges::any_of(lines, [&](std::string_view line) {
        return line.substr(0, extension.size()) == extension &&
               (line.size() == extension.size() || line[extension.size()] == ' ');
    });
}

}  // namespace weft::core
