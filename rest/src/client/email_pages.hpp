#pragma once

#include <string>
#include <string_view>

#include "weft/http/message.hpp"

/// What people see who follow a link in an e-mail.
namespace weft::rest {

/// What such a link carries.
struct EmailLink {
    std::string session_id;
    std::string client_secret;
    std::string token;
};

http::Response confirmation_page(const EmailLink& link);
http::Response success_page();
http::Response failure_page(int status, std::string_view why);
http::Response redirection(const std::string& url);

}  // namespace weft::rest
