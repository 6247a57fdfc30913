package io.sluice.control.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.google.protobuf.ByteString;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.sluice.await.Await;
import io.sluice.control.ControllerStatus;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth.Condition;
import io.sluice.control.authority.Requests;
import io.sluice.control.authority.vault.FakeVault;
import io.sluice.control.authority.vault.FakeVault.Mood;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A controller whose authority is elsewhere, and not there yet when it starts. */
class ExternalAuthorityTest {
  @TempDir private Path home;
  private FakeVault vault;
  private ControlSite site;

  @BeforeEach
  void start() throws Exception {
    vault = new FakeVault(null);
    vault.mood = Mood.SEALED;
    Path token = Files.writeString(home.resolve("token"), vault.token());
    site =
        ControlSite.withAuthority(
            home,
            """
            vault: {address: '%s', mount: pki, role: workload, tokenFile: '%s'}
            """
                .formatted(vault.address(), token));
  }

  @AfterEach
  void stop() {
    site.close();
    vault.close();
  }

  @Test
  void waitsForTheRootsAndSaysSo() throws Exception {
    ControllerStatus status = site.controller().status();
    assertThat(site.controller().isReady()).isFalse();
    assertThat(status.authority().condition()).isEqualTo(Condition.UNAVAILABLE);
    assertThat(status.authority().detail())
        .contains("the roots of the mesh are not known yet")
        .contains(vault.address().toString())
        .contains("sealed");
    assertThat(status.generation()).isZero();
    assertThat(status.certificateEnd()).isEmpty();
    assertThat(site.controller().metrics())
        .contains("sluice_control_authority_condition{condition=\"unavailable\",} 1.0");
    assertThatIllegalStateException()
        .isThrownBy(() -> site.state().rootHash())
        .withMessageContaining("wait until it is ready");
    try (NodeClient early = NodeClient.stranger(site.controller().port(), "00".repeat(32))) {
      byte[] request = NodeClient.request(Requests.keyPair("secp256r1"));
      assertThatExceptionOfType(StatusRuntimeException.class)
          .isThrownBy(() -> early.admit("edge1", "token", request))
          .satisfies(e -> assertThat(e.getStatus().getCode()).isEqualTo(Code.UNAVAILABLE));
    }
  }

  @Test
  void servesAsSoonAsTheAuthorityAnswers() throws Exception {
    vault.mood = Mood.HONEST;

    Await.until("the controller is ready", () -> site.controller().isReady());
    try (NodeClient node = site.joined("edge1")) {
      assertThat(Followed.by(node).bundles().getFirst().getRootsList())
          .containsExactly(ByteString.copyFrom(vault.issuer.root().getEncoded()));
    }
  }

  @Test
  void strangersDoNotHaveTheAuthorityAsked() throws Exception {
    vault.mood = Mood.HONEST;
    Await.until("the controller is ready", () -> site.controller().isReady());
    String guess = "0123456789abcdef." + "A".repeat(43);
    byte[] request = NodeClient.request(Requests.keyPair("secp256r1"));
    try (NodeClient stranger = site.stranger()) {
      int before = vault.lookups.get();
      long begin = System.nanoTime();

      for (int i = 0; i < 30; i++) {
        assertThatExceptionOfType(StatusRuntimeException.class)
            .isThrownBy(() -> stranger.admit("edge1", guess, request))
            .satisfies(e -> assertThat(e.getStatus().getCode()).isNotEqualTo(Code.UNAVAILABLE));
      }

      long seconds = Duration.ofNanos(System.nanoTime() - begin).toSeconds();
      assertThat((long) vault.lookups.get() - before)
          .as("once a second by itself")
          .isLessThanOrEqualTo(seconds + 1);
    }
  }

  @Test
  void lettingGoWhileItWaitsLeavesTheStateToTheNext() throws Exception {
    site.end();

    try (ControlSite next = ControlSite.withAuthority(home, "builtIn: {}")) {
      assertThat(next.controller().isReady()).isTrue();
    }
  }

  @Test
  void secondControllerIsKeptOffTheSameState() throws Exception {
    assertThatExceptionOfType(AuthorityException.class)
        .isThrownBy(() -> ControlSite.withAuthority(home, "builtIn: {}"))
        .withMessageContaining(home.resolve("state").toString())
        .withMessageContaining("another process holds this controller's state");
  }
}
