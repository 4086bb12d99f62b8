#pragma once

#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace weft::core {

/// Identifiers that an application service is interested in, by a regular expression for the whole of them.
struct AppserviceNamespace {
    bool exclusive = false;
    std::regex pattern;
};

/// A registration file of an application service (Application Service API, "Registration").
struct AppserviceRegistration {
    std::string id;
    std::string url;  // without a slash at the end; "": it is told nothing
    std::string as_token;
    std::string hs_token;
    std::string sender_localpart;
    bool rate_limited = true;
    bool receive_ephemeral = false;
    std::vector<std::string> protocols;
    std::vector<AppserviceNamespace> users;
    std::vector<AppserviceNamespace> aliases;
    std::vector<AppserviceNamespace> rooms;
};

/// Reads and checks registration files. Throws ConfigError: what is missing or of a wrong type, an ID or token that two of them
/// share.
std::vector<AppserviceRegistration> load_appservices(const std::vector<std::string>& files);

/// Whether one of the namespaces holds the identifier; of the exclusive ones only, if asked.
bool namespace_holds(const std::vector<AppserviceNamespace>& namespaces, std::string_view identifier, bool exclusive_only = false);

}  // namespace weft::core
