#include "client/server_info_documents.hpp"

#include <array>
#include <string_view>

#include <boost/json/array.hpp>

#include "weft/proto/room_version.hpp"

namespace weft::rest {
namespace {

constexpr std::array<std::string_view, 27> kVersions{
    "r0.0.1", "r0.1.0", "r0.2.0", "r0.3.0", "r0.4.0", "r0.5.0", "r0.6.0", "r0.6.1", "v1.1",  "v1.2",
    "v1.3",   "v1.4",   "v1.5",   "v1.6",   "v1.7",   "v1.8",   "v1.9",   "v1.10",  "v1.11", "v1.12",
    "v1.13",  "v1.14",  "v1.15",  "v1.16",  "v1.17",  "v1.18",  "v1.19"};

boost::json::object enabled(bool flag) {
    return {{"enabled", flag}};
}

/// What clients look for before they use it.
boost::json::object unstable_features() {
    return {{"org.matrix.simplified_msc3575", true},
            {"org.matrix.msc3814", true},
            {"org.matrix.msc4140", true},
            {"org.matrix.msc4222", true},
            {"org.matrix.msc3440.stable", true},
            {"org.matrix.msc3771", true},
            {"org.matrix.msc3773", true},
            {"org.matrix.msc3030.stable", true},
            {"org.matrix.msc3981", true},
            {"uk.half-shot.msc2666.query_mutual_rooms", true},
            {"uk.half-shot.msc2666.query_mutual_rooms.stable", true}};
}

}  // namespace

boost::json::object versions_document() {
    boost::json::array versions;
    for (const auto version : kVersions) versions.emplace_back(version);
    return {{"versions", std::move(versions)}, {"unstable_features", unstable_features()}};
}

boost::json::object capabilities_document(const core::Config& config) {
    boost::json::object available;
    for (const auto& version : proto::RoomVersion::all()) available[version.id] = "stable";
    boost::json::object room_versions{{"default", config.default_room_version},
                                      {"available", std::move(available)}};

    boost::json::object capabilities{{"m.change_password", enabled(config.password_login_enabled)},
                                     {"m.room_versions", std::move(room_versions)},
                                     {"m.set_displayname", enabled(true)},
                                     {"m.set_avatar_url", enabled(true)},
                                     {"m.profile_fields", enabled(true)},
                                     {"m.3pid_changes", enabled(config.enable_3pid_changes && config.email.is_set())},
                                     {"m.get_login_token", enabled(config.login_tokens.enabled)}};
    return {{"capabilities", std::move(capabilities)}};
}

boost::json::object capabilities_document_of_admins(const core::Config& config) {
    auto document = capabilities_document(config);
    document.at("capabilities").as_object()["m.account_moderation"] =
        boost::json::object{{"suspend", true}, {"lock", true}};
    return document;
}

std::optional<boost::json::object> client_well_known(const core::Config& config) {
    if (config.public_baseurl.empty()) return std::nullopt;
    return boost::json::object{{"m.homeserver", {{"base_url", config.public_baseurl}}}};
}

std::optional<boost::json::object> support_document(const core::Config& config) {
    boost::json::object out;
    boost::json::array contacts;
    for (const auto& contact : config.support.contacts) {
        boost::json::object entry{{"role", contact.role}};
        if (!contact.matrix_id.empty()) entry["matrix_id"] = contact.matrix_id;
        if (!contact.email_address.empty()) entry["email_address"] = contact.email_address;
        contacts.push_back(std::move(entry));
    }
    if (!contacts.empty()) out["contacts"] = std::move(contacts);
    if (!config.support.page.empty()) out["support_page"] = config.support.page;
    if (out.empty()) return std::nullopt;
    return out;
}

}  // namespace weft::rest
