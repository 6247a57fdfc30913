package io.sluice.control.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.control.kubernetes.KubernetesApiException.Failure;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Users of a kubeconfig, before an API server that knows them by certificate or token. */
class KubeconfigTest {
  private static final String NAMESPACES = "/api/v1/namespaces";

  @TempDir private Path home = Path.of("");
  @AutoClose private final FakeCluster cluster;

  KubeconfigTest() throws Exception {
    cluster = new FakeCluster();
  }

  private void reaches(String user) throws Exception {
    var access = new KubernetesAccess.Kubeconfig(cluster.kubeconfig(home, user));
    try (KubernetesApi api = new KubernetesApi(access, Duration.ofSeconds(10))) {
      assertThat(api.get(NAMESPACES).path("items")).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  void everyKindOfKeyProvesItsUser(ClientKey kind) throws Exception {
    reaches(kind.inline());
    reaches(kind.files(home));
    reaches(kind.plugin(home));
  }

  @Test
  void userWithoutProofIsNobody() throws Exception {
    assertThatExceptionOfType(KubernetesApiException.class)
        .isThrownBy(() -> reaches("{}"))
        .satisfies(e -> assertThat(e.failure()).isEqualTo(Failure.UNAUTHENTICATED));
  }

  @Test
  void tokenOfAProgramIsUsedUntilItEnds() throws Exception {
    String token = "\"token\": \"token-of-controller\"";
    reaches(ClientKey.plugin(home, token));
    String user =
        ClientKey.plugin(home, token + ", \"expirationTimestamp\": \"2000-01-01T00:00:00Z\"");
    var access = new KubernetesAccess.Kubeconfig(cluster.kubeconfig(home, user));
    try (KubernetesApi api = new KubernetesApi(access, Duration.ofSeconds(10))) {
      assertThat(api.get(NAMESPACES).path("items")).isEmpty();

      ClientKey.plugin(home, "\"token\": \"of-somebody-else\"");

      assertThatExceptionOfType(KubernetesApiException.class)
          .isThrownBy(() -> api.get(NAMESPACES))
          .satisfies(e -> assertThat(e.failure()).isEqualTo(Failure.UNAUTHENTICATED));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '#',
      value = {
        "{client-certificate: a, client-key: b}| client-certificate: HOME/a cannot be read",
        "{client-key-data: '%%'}| client-key-data: is no base64; write the PEM text in base64",
        "{client-key-data: aGVsbG8=}| client-certificate: is missing; it goes with client-key",
        "{client-key-data: LS0tLS1CRUdJTiBY}| client-key-data: a block is cut off; put back",
        "{exec: {apiVersion: v0, command: a}}| exec.apiVersion: 'v0' is not known; use one of",
        "{exec: {apiVersion: client.authentication.k8s.io/v1}}| exec.command: is missing",
        "{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./absent, installHint: get"
            + " it}}| exec.command: './absent' cannot be run (",
        "{exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c, 'echo who >&2;"
            + " exit 3']}}| exec.command: 'sh' ends with code 3: who; run it by hand",
        "{exec: {apiVersion: client.authentication.k8s.io/v1, command: echo, args: ['{}']}}|"
            + " exec.command: 'echo' writes kind '' of '', not ExecCredential"
      })
  void wrongProofIsNamedByFileAndField(String user, String told) throws Exception {
    Path file = cluster.kubeconfig(home, user);

    assertThatIllegalArgumentException()
        .isThrownBy(() -> Kubeconfig.read(List.of(file)).config(null))
        .withMessageContaining(
            file + ": users[controller].user." + told.replace("HOME", home.toString()));
  }

  @Test
  void firstOfSeveralFilesCountsForEachName() throws Exception {
    Path other = Files.createDirectory(home.resolve("other"));
    Path good = cluster.kubeconfig(home);
    Path bad = cluster.kubeconfig(other, "{token: of-somebody-else}");

    assertThat(Kubeconfig.read(List.of(good, bad)).config(null).getAutoOAuthToken())
        .isEqualTo("token-of-controller");
    assertThat(Kubeconfig.read(List.of(bad, good)).config("site").getAutoOAuthToken())
        .isEqualTo("of-somebody-else");
  }

  @Test
  void whatLeadsToNoClusterIsNamed() throws Exception {
    Path file = cluster.kubeconfig(home);
    String text = Files.readString(file);

    wrong(
        file,
        text.replace("current-context", "x"),
        "current-context: is missing; name one of [site]");
    wrong(
        file,
        text.replace("cluster: site", "cluster: y"),
        "contexts[site].context.cluster: there is");
    wrong(file, text.replace("server", "x"), "clusters[site].cluster.server: is missing");
    wrong(file, text.replace("cluster.pem", "no.pem"), "cluster.certificate-authority: " + home);
    wrong(file, "{", " is no kubeconfig: ");
    wrong(file, "users: 'a", " is no kubeconfig: while scanning a quoted scalar");
  }

  private static void wrong(Path file, String text, String told) throws Exception {
    Files.writeString(file, text);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Kubeconfig.read(List.of(file)).config(null))
        .withMessageStartingWith(file.toString())
        .withMessageContaining(told);
  }
}
