#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/core/task.hpp"

namespace weft::core {

/// A message in plain text.
struct Mail {
    std::string to;
    std::string subject;
    std::string text;
};

/// The server refused, or cannot be reached.
class SmtpError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Sends e-mail.
class Mailer {
public:
    virtual ~Mailer() = default;
    /// Returns when the server has taken the message. Throws SmtpError.
    virtual Task<void> send(Mail mail) = 0;
};

/// Hands each message to the configured SMTP server over a connection of its own (RFC 5321, STARTTLS, AUTH
/// PLAIN). Certificates are checked against the system's authorities.
class SmtpMailer final : public Mailer {
public:
    static constexpr Milliseconds kTimeout{30'000};

    SmtpMailer(const EmailConfig& config, const Clock& clock) : config_{config}, clock_{clock} {}
    Task<void> send(Mail mail) override;

private:
    const EmailConfig& config_;
    const Clock& clock_;
};

/// Whether this is one address and nothing else: no names, no control characters, nothing that could end a
/// header or a command.
bool is_email_address(std::string_view text);

/// The address in `Name <address>`, or all of it.
std::string_view address_in(std::string_view mailbox);

/// The message as it goes over the wire, without the final dot: headers, and the text in base64.
std::string format_mail(const Mail& mail, const EmailConfig& config, std::int64_t now_ms,
                        std::string_view message_id);

/// One reply of the server, which may have several lines.
struct SmtpReply {
    int code = 0;
    std::vector<std::string> lines;  // without the code
    bool offers(std::string_view extension) const;
};

}  // namespace weft::core
