#include <catch2/catch.hpp>

#include "weft/core/smtp.hpp"

using namespace weft::core;

namespace {

EmailConfig config() {
    EmailConfig made;
    made.notif_from = "Wéft <noreply@example.org>";
    return made;
}

}  // namespace

TEST_CASE("an e-mail address is one address and nothing else", "[smtp]") {
    CHECK(is_email_address("alice@example.org"));
    CHECK(is_email_address("a.l+ice@mail.example.org"));
    for (const auto* text : {"", "alice", "@example.org", "alice@", "a@b@c", "a b@c", "<a@b>",
                             "a@b\r\nBcc: c@d", "a@b,c@d", "\"a\"@b", "ä@b"}) {
        CAPTURE(text);
        CHECK_FALSE(is_email_address(text));
    }
    CHECK_FALSE(is_email_address(std::string(250, 'a') + "@b.example"));
}

TEST_CASE("the sender's address stands between angle brackets, if there are any", "[smtp]") {
    CHECK(address_in("Weft <noreply@example.org>") == "noreply@example.org");
    CHECK(address_in("noreply@example.org") == "noreply@example.org");
}

TEST_CASE("a message has headers of ASCII and its text in base64", "[smtp]") {
    const Mail mail{"alice@example.org", "Grüße", "Hello\nwörld\n"};

    CHECK(format_mail(mail, config(), 1'750'000'000'000, "id@example.org") ==
          "From: =?utf-8?B?V8OpZnQ=?= <noreply@example.org>\r\n"
          "To: alice@example.org\r\n"
          "Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n"
          "Date: Sun, 15 Jun 2025 15:06:40 +0000\r\n"
          "Message-ID: <id@example.org>\r\n"
          "MIME-Version: 1.0\r\n"
          "Content-Type: text/plain; charset=utf-8\r\n"
          "Content-Transfer-Encoding: base64\r\n"
          "Auto-Submitted: auto-generated\r\n"
          "\r\n"
          "SGVsbG8Kd8O2cmxkCg==\r\n");
}

TEST_CASE("long texts are broken into lines", "[smtp]") {
    const Mail mail{"alice@example.org", "x", std::string(300, 'x')};

    const auto message = format_mail(mail, config(), 0, "id@example.org");

    std::size_t begin = 0;
    for (auto end = message.find("\r\n"); end != std::string::npos; end = message.find("\r\n", begin)) {
        CHECK(end - begin <= 78);
        begin = end + 2;
    }
    CHECK(begin == message.size());
}

TEST_CASE("a reply offers what stands at the beginning of a line", "[smtp]") {
    const SmtpReply reply{250, {"mail.example.org", "STARTTLS", "AUTH PLAIN LOGIN"}};
    CHECK(reply.offers("STARTTLS"));
    CHECK(reply.offers("AUTH"));
    CHECK_FALSE(reply.offers("START"));
    CHECK_FALSE(reply.offers("PLAIN"));
}
