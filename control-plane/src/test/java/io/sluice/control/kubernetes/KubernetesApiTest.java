package io.sluice.control.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.control.kubernetes.FakeCluster.Failing;
import io.sluice.control.kubernetes.KubernetesApiException.Failure;
import io.sluice.mesh.TrustDomain;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KubernetesApiTest {
  private static final Duration TIMEOUT = Duration.ofSeconds(2);
  private static final String THINGS = "/apis/example/v1/namespaces/shop/things";

  @TempDir private Path home;
  @AutoClose private FakeCluster server;

  @BeforeEach
  void start() throws Exception {
    server = new FakeCluster();
  }

  @Test
  void findsItsServerFromWithinAPodAndByAKubeconfig() throws Exception {
    try (KubernetesApi pod = new KubernetesApi(server.access(home), TIMEOUT);
        KubernetesApi outside =
            new KubernetesApi(new KubernetesAccess.Kubeconfig(server.kubeconfig(home)), TIMEOUT)) {
      String name = pod.post(THINGS, thing("ü")).path("metadata").path("name").asText();

      assertThat(outside.get(THINGS + "/" + name).path("said").asText()).isEqualTo("ü");
      outside.delete(THINGS + "/" + name);
      outside.delete(THINGS + "/" + name); // has gone already
      assertThat(server.names()).isEmpty();
    }
  }

  @Test
  void readsTheTokenAgainForEachRequest() throws Exception {
    try (KubernetesApi api = new KubernetesApi(server.access(home), TIMEOUT)) {
      Files.writeString(home.resolve("token"), "of-somebody-else");
      fails(api, Failure.UNAUTHENTICATED);
      Files.delete(home.resolve("token"));
      fails(api, Failure.UNAUTHENTICATED);
      server.access(home);

      assertThat(api.get(THINGS).path("items")).isEmpty();
    }
  }

  @Test
  void believesNoServerOfAnotherAuthority() throws Exception {
    KubernetesAccess access = server.access(home);
    Issuer stranger =
        new SvidProfile(new TrustDomain("stranger.example"), false, false)
            .root(SigningKey.P256.generate(), Instant.now(), Duration.ofDays(1));
    Files.writeString(home.resolve("ca.crt"), new Pem(stranger.chain(), List.of()).text());
    try (KubernetesApi api = new KubernetesApi(access, TIMEOUT)) {
      fails(api, Failure.UNREACHABLE);
      assertThat(server.requests("GET")).isZero();
    }
  }

  @Test
  void aKubeconfigThatIsNotThereIsNamed() {
    Path missing = home.resolve("missing");

    assertThatExceptionOfType(KubernetesApiException.class)
        .isThrownBy(() -> new KubernetesApi(new KubernetesAccess.Kubeconfig(missing), TIMEOUT))
        .withMessageContaining(missing.toString());
  }

  @ParameterizedTest
  @CsvSource({
    "401,UNAUTHENTICATED,false",
    "403,FORBIDDEN,false",
    "404,NOT_FOUND,false",
    "409,CONFLICT,true",
    "410,CONFLICT,true",
    "422,REJECTED,false",
    "429,BUSY,true",
    "500,BUSY,true",
    "503,BUSY,true",
    "Garbage,UNREACHABLE,true",
    "Muteness,UNREACHABLE,true",
    "Trickle,UNREACHABLE,true",
    "Flood,UNREACHABLE,true"
  })
  void badAnswersHaveAReasonAndAnEnd(Failing how, Failure failure, boolean again) throws Exception {
    try (KubernetesApi api = new KubernetesApi(server.access(home), TIMEOUT)) {
      server.fail("GET", how);
      long begin = System.nanoTime();
      fails(api, failure);

      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(TIMEOUT.plusSeconds(20));
      // The library reads the token again when it is refused, and shows it once more.
      assertThat(server.requests("GET")).isEqualTo(failure == Failure.UNAUTHENTICATED ? 2 : 1);
      assertThat(failure.isRetryable()).isEqualTo(again);
      server.heal("GET");
      assertThat(api.get(THINGS).path("items")).isEmpty();
    }
  }

  private static void fails(KubernetesApi api, Failure failure) {
    assertThatExceptionOfType(KubernetesApiException.class)
        .isThrownBy(() -> api.get(THINGS))
        .satisfies(e -> assertThat(e.failure()).as(e.getMessage()).isEqualTo(failure));
  }

  private static ObjectNode thing(String said) {
    return JsonNodeFactory.instance.objectNode().put("kind", "Thing").put("said", said);
  }
}
