package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.attack.Attack;
import io.sluice.lab.site.Relay;
import io.sluice.lab.site.SitePod;
import io.sluice.mesh.SpiffeId;
import io.sluice.node.identity.control.ControlFailure;
import io.sluice.node.identity.control.ControllerClient;
import io.sluice.node.identity.control.ControllerTrust;
import io.sluice.node.identity.store.CredentialStore;
import io.sluice.node.identity.store.KeptNode;
import io.sluice.node.identity.x509.SigningRequests;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/**
 * A node's key and certificate, copied to another machine: good for the pods of that node alone.
 */
@ExtendWith(SharedShop.class)
@ResourceLock(SharedShop.LOCK)
@Tag("kernel")
class StolenCredentialTest {
  @Tag("attack")
  @Test
  void aStolenNodeCredentialGetsNoCertificateForPodsOfOtherNodes(
      TwoNodes shop, @TempDir Path elsewhere) throws Exception {
    try (Relay relay = shop.relayToControl();
        ControllerClient controller = TwoNodes.caller(relay)) {
      KeptNode stolen = copy(shop, elsewhere.resolve("stolen"));
      controller.present(
          stolen.credential(),
          ControllerTrust.byRoots(stolen.roots().roots(), stolen.roots().domains()));

      List<X509Certificate> own = issue(controller, shop.neighbour);
      assertThat(own).as("the credential works").isNotEmpty();
      assertThatThrownBy(() -> issue(controller, shop.store))
          .isInstanceOf(ControlFailure.class)
          .hasMessageContaining("pod_on_other_node");
      assertThat(shop.control().log()).contains("pod_on_other_node");
      assertThat(shop.control().run("status")).containsPattern("pod_on_other_node\\D+1\\b");
    }

    Attack.tried("a stolen node credential asks for the identity of another node's pod")
        .refusedBy("the controller, call Issue")
        .countedAs("sluice_control_refusals_total{call=\"issue\",reason=\"pod_on_other_node\"}");
  }

  private static List<X509Certificate> issue(ControllerClient controller, SitePod pod) {
    SpiffeId identity = SpiffeId.parse(TwoNodes.identity(pod));
    return controller.issue(identity, SigningRequests.of(SigningRequests.newKey(), identity));
  }

  /** All that node a keeps of its identity, read at another place. */
  private static KeptNode copy(TwoNodes shop, Path to) throws IOException {
    Path from = shop.a().directory().resolve("state").resolve("identity");
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path copy = to.resolve(from.relativize(file).toString());
        Files.copy(file, copy, StandardCopyOption.COPY_ATTRIBUTES);
        Files.setPosixFilePermissions(
            copy,
            PosixFilePermissions.fromString(Files.isDirectory(file) ? "rwx------" : "rw-------"));
      }
    }
    return CredentialStore.open(to, CredentialStore.usualKeyFile(to)).node().orElseThrow();
  }
}
