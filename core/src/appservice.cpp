#include "weft/core/appservice.hpp"

#include <set>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "weft/core/config.hpp"

namespace weft::core {
namespace {

/// Longer than any identifier; a regular expression is not tried on more.
constexpr std::size_t kIdentifierBytesMax = 512;

class File {
public:
    explicit File(const std::string& name) : name_{name} {
        try {
            root_ = YAML::LoadFile(name);
        } catch (const YAML::BadFile&) {
            throw ConfigError{fmt::format("{}: cannot be read", name)};
        } catch (const YAML::ParserException& error) {
            throw ConfigError{fmt::format("{}:{}: not valid YAML: {}", name, error.mark.line + 1, error.msg)};
        }
        if (!root_.IsMap()) throw ConfigError{fmt::format("{}: expected a map", name)};
    }

    AppserviceRegistration read() const {
        AppserviceRegistration out;
        out.id = required("id");
        if (!root_["url"]) fail("url", "missing (null: the service is told nothing)");
        if (!root_["url"].IsNull()) out.url = required("url");
        while (out.url.ends_with('/')) out.url.pop_back();
        out.as_token = required("as_token");
        out.hs_token = required("hs_token");
        out.sender_localpart = required("sender_localpart");
        out.rate_limited = flag("rate_limited", true);
        out.receive_ephemeral = flag("receive_ephemeral", flag("de.sorunome.msc2409.push_ephemeral", false));
        if (const auto protocols = root_["protocols"]; protocols && !protocols.IsNull()) {
            if (!protocols.IsSequence()) fail("protocols", "expected a list");
            for (const auto& protocol : protocols) {
                if (!protocol.IsScalar()) fail("protocols", "expected a list of strings");
                out.protocols.push_back(protocol.Scalar());
            }
        }
        const auto namespaces = root_["namespaces"];
        if (!namespaces || !namespaces.IsMap()) fail("namespaces", "expected a map");
        out.users = read_namespaces(namespaces["users"], "users");
        out.aliases = read_namespaces(namespaces["aliases"], "aliases");
        out.rooms = read_namespaces(namespaces["rooms"], "rooms");
        return out;
    }

    [[noreturn]] void fail(const std::string& key, const std::string& why) const {
        throw ConfigError{fmt::format("{}: {}: {}", name_, key, why)};
    }

private:
    std::string required(const std::string& key) const {
        const auto value = root_[key];
        if (!value || !value.IsScalar() || value.Scalar().empty()) fail(key, "expected a string");
        return value.Scalar();
    }

    bool flag(const std::string& key, bool otherwise) const {
        const auto value = root_[key];
        if (!value || value.IsNull()) return otherwise;
        bool out = false;
        if (!YAML::convert<bool>::decode(value, out)) fail(key, "expected true or false");
        return out;
    }

    std::vector<AppserviceNamespace> read_namespaces(const YAML::Node& list, const std::string& key) const {
        std::vector<AppserviceNamespace> out;
        if (!list || list.IsNull()) return out;
        if (!list.IsSequence()) fail("namespaces." + key, "expected a list");
        for (const auto& item : list) {
            const auto regex = item.IsMap() ? item["regex"] : YAML::Node{};
            if (!regex || !regex.IsScalar()) fail("namespaces." + key, "each needs a regex");
            bool exclusive = false;
            if (!item["exclusive"] || !YAML::convert<bool>::decode(item["exclusive"], exclusive)) {
                fail("namespaces." + key, "each needs exclusive: true or false");
            }
            try {
                out.push_back({exclusive, std::regex{regex.Scalar(), std::regex::ECMAScript | std::regex::optimize}});
            } catch (const std::regex_error& error) {
                fail("namespaces." + key, fmt::format("{}: {}", regex.Scalar(), error.what()));
            }
        }
        return out;
    }

    std::string name_;
    YAML::Node root_;
};

}  // namespace

std::vector<AppserviceRegistration> load_appservices(const std::vector<std::string>& files) {
    std::vector<AppserviceRegistration> out;
    std::set<std::string> ids, tokens;
    for (const auto& name : files) {
        const File file{name};
        auto registration = file.read();
        if (!ids.insert(registration.id).second) file.fail("id", "another application service has it");
        if (!tokens.insert(registration.as_token).second) file.fail("as_token", "another application service has it");
        out.push_back(std::move(registration));
    }
    return out;
}

bool namespace_holds(const std::vector<AppserviceNamespace>& namespaces, std::string_view identifier, bool exclusive_only) {
    if (identifier.size() > kIdentifierBytesMax) return false;
    for (const auto& each : namespaces) {
        if (exclusive_only && !each.exclusive) continue;
        if (std::regex_match(identifier.begin(), identifier.end(), each.pattern)) return true;
    }
    return false;
}

}  // namespace weft::core
