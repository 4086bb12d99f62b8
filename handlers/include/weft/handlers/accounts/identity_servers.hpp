#pragma once

#include <functional>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "weft/core/task.hpp"
#include "weft/http/message.hpp"
#include "weft/proto/crypto.hpp"
#include "weft/proto/ids.hpp"
#include "weft/storage/three_pid_store.hpp"

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
        std::string authorization;  // of the header; none: without
        std::string body;
    };
    /// Makes a request to anywhere; throws http::ClientError where no answer comes.
    using Send = std::function<Task<http::Response>(Call call)>;

    /// What this server does in its users' names is signed with `key`.
    IdentityServers(Send send, std::string server_name, proto::SigningKey key)
        : send_{std::move(send)}, server_name_{std::move(server_name)}, key_{std::move(key)} {}

    /// Who has the address; nobody, as far as the server knows.
    Task<std::optional<proto::UserId>> lookup(ThirdPartyInvitee invitee);

    /// `content` of the m.room.third_party_invite that waits under `token`.
    struct StoredInvite {
        std::string token;
        boost::json::object content;
    };
    /// The server keeps the invitation and writes to the address. `about` tells it of room and inviter.
    Task<StoredInvite> store_invite(ThirdPartyInvitee invitee, boost::json::object about);

    /// A session at an identity server that has checked an address.
    struct Session {
        proto::ServerName id_server;
        std::string id_access_token;
        std::string sid;
        std::string client_secret;
    };
    /// The server publishes the session's address as the user's; returns which it is. The server's own error is thrown on, but
    /// one about its token is M_FORBIDDEN here.
    Task<storage::ThreePidAddress> bind(proto::UserId user_id, Session session);
    /// The server no longer has the address as the user's; the request is signed by this server. False if the identity server
    /// does not support that; its own error is thrown on.
    Task<bool> unbind(proto::ServerName id_server, proto::UserId user_id, storage::ThreePidAddress address);

    /// Whether the key is still good, as the URL that came with it says.
    Task<bool> is_valid(std::string key_validity_url, std::string public_key);

private:
    Task<boost::json::object> ask(Call call);
    Task<http::Response> reach(Call call);

    Send send_;
    std::string server_name_;
    proto::SigningKey key_;
};

}  // namespace weft::handlers
