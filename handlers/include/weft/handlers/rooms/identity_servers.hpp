#pragma once

#include <functional>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "weft/core/task.hpp"
#include "weft/http/message.hpp"
#include "weft/proto/ids.hpp"

namespace weft::handlers {

/// Somebody who is known by an address, and the identity server that the inviting client trusts with it.
struct ThirdPartyInvitee {
    proto::ServerName id_server;
    std::string id_access_token;
    std::string medium;
    std::string address;
};

/// Identity servers, which clients choose (identity service API v2). All throw MatrixError: M_UNKNOWN where
/// no answer comes that can be used, M_FORBIDDEN where the server does not take the client's token.
class IdentityServers {
public:
    struct Call {
        http::Method method = http::Method::kGet;
        std::string url;
        std::string bearer;  // none: without authentication
        std::string body;
    };
    /// Makes a request to anywhere; throws http::ClientError where no answer comes.
    using Send = std::function<Task<http::Response>(Call call)>;

    explicit IdentityServers(Send send) : send_{std::move(send)} {}

    /// Who has the address; nobody, as far as the server knows.
    Task<std::optional<proto::UserId>> lookup(ThirdPartyInvitee invitee);

    /// `content` of the m.room.third_party_invite that waits under `token`.
    struct StoredInvite {
        std::string token;
        boost::json::object content;
    };
    /// The server keeps the invitation and writes to the address. `about` tells it of room and inviter.
    Task<StoredInvite> store_invite(ThirdPartyInvitee invitee, boost::json::object about);

    /// Whether the key is still good, as the URL that came with it says.
    Task<bool> is_valid(std::string key_validity_url, std::string public_key);

private:
    Task<boost::json::object> ask(Call call);

    Send send_;
};

}  // namespace weft::handlers
