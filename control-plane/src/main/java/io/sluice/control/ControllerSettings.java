package io.sluice.control;

import io.sluice.control.admission.TokenReviewAttestor.NodeAccount;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.server.ServerSettings;
import io.sluice.mesh.MeshPorts;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Everything that a controller can be told.
 *
 * @param state its directory: authority, join tokens, trust bundle, admin socket
 * @param authorityFileOrNull settings of the authority; null for the built-in one
 * @param leafLifetime of certificates for pods' identities
 * @param nodeLifetime of nodes' own certificates; a node that is out of reach for longer has to be
 *     admitted anew
 * @param drain longest wait for calls at the end
 * @param server the control port
 * @param nodeAccountOrNull how a cluster admits nodes; null where only join tokens do
 * @param debug where its debug server listens while the MeshConfig turns it on
 */
public record ControllerSettings(
    Path state,
    @Nullable Path authorityFileOrNull,
    Duration leafLifetime,
    Duration nodeLifetime,
    Duration drain,
    ServerSettings server,
    @Nullable NodeAccount nodeAccountOrNull,
    InetSocketAddress debug) {
  /**
   * A long weekend without the controller. Admission by a join token needs a person, so it is not
   * to be needed often; on the other hand the key of a node is worth all identities of its pods.
   */
  public static final Duration LEAST_USUAL_NODE_LIFETIME = Duration.ofDays(3);

  /** With the debug server where this machine, or whoever may forward a port to it, reaches it. */
  public ControllerSettings(
      Path state,
      @Nullable Path authorityFileOrNull,
      Duration leafLifetime,
      Duration nodeLifetime,
      Duration drain,
      ServerSettings server,
      @Nullable NodeAccount nodeAccountOrNull) {
    this(
        state,
        authorityFileOrNull,
        leafLifetime,
        nodeLifetime,
        drain,
        server,
        nodeAccountOrNull,
        new InetSocketAddress(InetAddress.getLoopbackAddress(), MeshPorts.DEBUG));
  }

  public ControllerSettings {
    requireLifetime("leaf", leafLifetime);
    requireLifetime("node", nodeLifetime);
    if (nodeLifetime.compareTo(leafLifetime) < 0) {
      throw new IllegalArgumentException(
          "a node's certificate (%s) lives as long as leaves (%s) at least"
              .formatted(nodeLifetime, leafLifetime));
    }
  }

  private static void requireLifetime(String what, Duration lifetime) {
    if (lifetime.compareTo(CertificateRequest.SHORTEST_LIFETIME) < 0
        || lifetime.compareTo(CertificateRequest.LONGEST_LIFETIME) > 0) {
      throw new IllegalArgumentException(
          "the %s lifetime is %s to %s, not %s"
              .formatted(
                  what,
                  CertificateRequest.SHORTEST_LIFETIME,
                  CertificateRequest.LONGEST_LIFETIME,
                  lifetime));
    }
  }

  /** What nodes' certificates live unless somebody says otherwise. */
  public static Duration usualNodeLifetime(Duration leafLifetime) {
    return leafLifetime.compareTo(LEAST_USUAL_NODE_LIFETIME) < 0
        ? LEAST_USUAL_NODE_LIFETIME
        : leafLifetime;
  }
}
