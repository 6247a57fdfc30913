package io.sluice.charts;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.client.Config;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A kubeconfig of one cluster and one user, for Helm: what our client found, so that both mean the
 * same cluster, whatever file, context or credential plug-in it came from. It holds secrets.
 */
final class ClusterCredentials {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String NAME = "sluice";

  private ClusterCredentials() {}

  /** The text; JSON, which is YAML too. */
  static String kubeconfig(Config config) {
    ObjectNode file = JSON.createObjectNode().put("apiVersion", "v1").put("kind", "Config");
    file.put("current-context", NAME);
    ObjectNode cluster = named(file, "clusters", "cluster");
    cluster.put("server", config.getMasterUrl());
    if (config.isTrustCerts()) {
      cluster.put("insecure-skip-tls-verify", true);
    } else {
      putIfThere(cluster::put, "certificate-authority-data", config.getCaCertData());
      putIfThere(cluster::put, "certificate-authority", config.getCaCertFile());
    }
    putIfThere(cluster::put, "tls-server-name", config.getTlsServerName());
    putIfThere(cluster::put, "proxy-url", config.getHttpsProxy());
    ObjectNode user = named(file, "users", "user");
    putIfThere(user::put, "client-certificate-data", config.getClientCertData());
    putIfThere(user::put, "client-certificate", config.getClientCertFile());
    putIfThere(user::put, "client-key-data", config.getClientKeyData());
    putIfThere(user::put, "client-key", config.getClientKeyFile());
    putIfThere(user::put, "username", config.getUsername());
    putIfThere(user::put, "password", config.getPassword());
    putIfThere(user::put, "token", token(config));
    named(file, "contexts", "context").put("cluster", NAME).put("user", NAME);
    return file.toString();
  }

  private static @Nullable String token(Config config) {
    if (config.getOauthTokenProvider() != null) {
      return config.getOauthTokenProvider().getToken();
    }
    String token = config.getOauthToken();
    return token == null ? config.getAutoOAuthToken() : token;
  }

  private static ObjectNode named(ObjectNode file, String list, String member) {
    return file.putArray(list).addObject().put("name", NAME).putObject(member);
  }

  private static void putIfThere(
      BiConsumer<String, String> target, String member, @Nullable String value) {
    if (value != null && !value.isEmpty()) {
      target.accept(member, value);
    }
  }
}
