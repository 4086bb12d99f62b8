#include <memory>

#include <fmt/format.h>
#include <sodium.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

#include "weft/core/log_context.hpp"
#include "weft/core/random.hpp"
#include "weft/core/smtp.hpp"
#include "weft/core/stream_socket.hpp"

namespace weft::core {
namespace {

constexpr std::size_t kReplyBytesMax = 64 * 1024;
constexpr std::size_t kMessageIdLetters = 24;

/// AUTH PLAIN's one argument (RFC 4616).
std::string plain_credentials(const EmailConfig& config) {
    std::string text;
    text += '\0';
    text += config.smtp_user;
    text += '\0';
    text += config.smtp_pass;
    std::string out(sodium_base64_encoded_len(text.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(text.data()),
                      text.size(), sodium_base64_VARIANT_ORIGINAL);
    out.pop_back();
    return out;
}

/// One connection to the server. A deadline closes it, which ends whatever waits for it.
class Dialogue {
public:
    Dialogue(asio::any_io_executor executor, const EmailConfig& config)
        : config_{config}, executor_{executor}, deadline_{with_context(executor, sentinel_context())} {}

    Task<void> deliver(std::string from, std::string to, std::string message) {
        co_await connect();
        if (config_.force_tls) co_await start_tls();
        expect(co_await reply(), 220);
        auto greeting = co_await greet();
        if (!config_.force_tls && config_.enable_tls && greeting.offers("STARTTLS")) {
            expect(co_await say("STARTTLS"), 220);
            co_await start_tls();
            greeting = co_await greet();
        }
        if (config_.require_transport_security && !socket_->is_encrypted()) {
            throw SmtpError{"the server offers no TLS, and email.require_transport_security wants it"};
        }
        if (!config_.smtp_user.empty()) {
            expect(co_await say("AUTH PLAIN " + plain_credentials(config_)), 235);
        }
        expect(co_await say(fmt::format("MAIL FROM:<{}>", from)), 250);
        expect(co_await say(fmt::format("RCPT TO:<{}>", to)), 250);
        expect(co_await say("DATA"), 354);
        // Base64 and our headers have no line that begins with a dot.
        expect(co_await say(std::move(message) + "."), 250);
        co_await send_line("QUIT");
        boost::system::error_code ignored;
        socket_->close(ignored);
    }

private:
    Task<void> connect() {
        asio::ip::tcp::resolver resolver{executor_};
        const auto found = co_await resolver.async_resolve(config_.smtp_host, std::to_string(config_.port()),
                                                           asio::use_awaitable);
        std::string why = "no address";
        for (const auto& entry : found) {
            const asio::generic::stream_protocol::endpoint endpoint{entry.endpoint()};
            socket_ = std::make_shared<StreamSocket>(executor_);
            arm();
            boost::system::error_code error;
            co_await socket_->plain().async_connect(endpoint,
                                                    asio::redirect_error(asio::use_awaitable, error));
            if (!error) co_return;
            why = error.message();
        }
        throw SmtpError{fmt::format("cannot connect to {}:{}: {}", config_.smtp_host, config_.port(), why)};
    }

    void arm() {
        deadline_.expires_after(SmtpMailer::kTimeout);
        deadline_.async_wait([socket = std::weak_ptr{socket_}](boost::system::error_code error) {
            const auto alive = socket.lock();
            if (error || !alive) return;
            boost::system::error_code ignored;
            alive->plain().close(ignored);
        });
    }

    Task<void> start_tls() {
        // What somebody has slipped in before must not count as said under TLS.
        buffer_.consume(buffer_.size());
        auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
        context->set_default_verify_paths();
        context->set_verify_mode(asio::ssl::verify_peer);
        std::vector<std::string> names{config_.smtp_host};
        const auto error = co_await socket_->handshake_as_client(std::move(context), std::move(names));
        if (error) throw SmtpError{fmt::format("no TLS with {}: {}", config_.smtp_host, error.message())};
    }

    Task<SmtpReply> greet() {
        auto answer = co_await say("EHLO localhost");
        expect(answer, 250);
        co_return answer;
    }

    Task<SmtpReply> say(std::string line) {
        co_await send_line(std::move(line));
        co_return co_await reply();
    }

    Task<void> send_line(std::string line) {
        line += "\r\n";
        co_await asio::async_write(*socket_, asio::buffer(line), asio::use_awaitable);
    }

    /// `250-first`, …, `250 last`.
    Task<SmtpReply> reply() {
        SmtpReply answer;
        while (true) {
            const auto size = co_await asio::async_read_until(*socket_, buffer_, "\r\n", asio::use_awaitable);
            const auto* begin = static_cast<const char*>(buffer_.data().data());
            const std::string line{begin, begin + size - 2};
            buffer_.consume(size);
            if (line.size() < 3 || line.find_first_not_of("0123456789") < 3) {
                throw SmtpError{"the server does not speak SMTP"};
            }
            answer.code = std::stoi(line.substr(0, 3));
            answer.lines.push_back(line.size() > 4 ? line.substr(4) : "");
            if (line.size() == 3 || line[3] != '-') co_return answer;
        }
    }

    static void expect(const SmtpReply& answer, int code) {
        if (answer.code == code) return;
        throw SmtpError{fmt::format("the server says: {} {}", answer.code, answer.lines.back())};
    }

    const EmailConfig& config_;
    asio::any_io_executor executor_;
    asio::steady_timer deadline_;  // not in the caller's context: its last handler runs after that has ended
    std::shared_ptr<StreamSocket> socket_;
    asio::streambuf buffer_{kReplyBytesMax};
};

}  // namespace

Task<void> SmtpMailer::send(Mail mail) {
    if (!is_email_address(mail.to)) throw SmtpError{"not an e-mail address"};
    const auto from = std::string{address_in(config_.notif_from)};
    const auto id = fmt::format("{}@{}", random_letters(kMessageIdLetters), from.substr(from.find('@') + 1));
    auto message = format_mail(mail, config_, clock_.now_ms(), id);
    Dialogue dialogue{co_await asio::this_coro::executor, config_};
    std::exception_ptr failure;
    std::string why;
    try {
        co_await dialogue.deliver(from, mail.to, std::move(message));
    } catch (const boost::system::system_error& error) {
        failure = std::current_exception();
        why = error.code().message();
    }
    if (!failure) co_return;
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) std::rethrow_exception(failure);
    throw SmtpError{fmt::format("the connection to {} failed: {}", config_.smtp_host, why)};
}

}  // namespace weft::core
