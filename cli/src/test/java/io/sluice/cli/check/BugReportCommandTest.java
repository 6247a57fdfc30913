package io.sluice.cli.check;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.SluiceCommand;
import io.sluice.control.kubernetes.FakeCluster;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BugReportCommandTest {
  private static final String MESH =
      """
      apiVersion: v1
      kind: Pod
      metadata: {name: %s, namespace: shop, labels: {sluice.io/mesh: enabled, app: store}}
      status: {podIPs: [{ip: 10.1.0.%s}]}
      """;

  private static final String BACKEND =
      """
      apiVersion: policy.openservicemesh.io/v1alpha1
      kind: IngressBackend
      metadata: {name: store, namespace: shop}
      spec:
        backends: [{name: store, port: {number: 8080, protocol: http}}]
        sources: [{kind: IPRange, name: 10.9.0.0/16}]
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: store, namespace: shop}
      spec: {clusterIP: 10.2.0.1, selector: {app: store}, ports: [{port: 8080}]}
      """;

  @TempDir private Path directory = Path.of("");
  private final StringWriter told = new StringWriter();

  private int report(String... more) {
    List<String> words = new ArrayList<>(List.of("support", "bug-report"));
    if (!List.of(more).contains("--kubeconfig")) {
      words.add("--without-cluster");
    }
    words.addAll(List.of("--node-name", "no-such-node-here", "--state", directory + "/state"));
    words.addAll(List.of("--registry", directory.toString()));
    words.addAll(List.of(more));
    return SluiceCommand.commandLine()
        .setOut(new PrintWriter(told))
        .setErr(new PrintWriter(told))
        .execute(words.toArray(String[]::new));
  }

  private Map<String, String> zipped(String... more) throws IOException {
    Path file = directory.resolve("report.zip");
    List<String> words = new ArrayList<>(List.of("-o", file.toString()));
    words.addAll(List.of(more));
    assertThat(report(words.toArray(String[]::new))).as("%s", told).isZero();
    Map<String, String> texts = new TreeMap<>();
    try (ZipFile zip = new ZipFile(file.toFile())) {
      for (ZipEntry entry : Collections.list(zip.entries())) {
        texts.put(
            entry.getName().replace("sluice-report/", ""),
            new String(zip.getInputStream(entry).readAllBytes(), StandardCharsets.UTF_8));
      }
    }
    assertThat(Files.getPosixFilePermissions(file))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    Files.delete(file);
    return texts;
  }

  @BeforeEach
  void writeTheMesh() throws IOException {
    int last = 0;
    for (String pod : List.of("store-5d4f-abcde", "store-5d4f-fghij", "store-2-5d4f-abcde")) {
      Files.writeString(directory.resolve(pod + ".yaml"), MESH.formatted(pod, ++last));
    }
    Files.writeString(directory.resolve("backend.yaml"), BACKEND);
  }

  @Test
  void theArchiveHasThePodsThatAreMeant() throws IOException {
    String first = "pods/shop/store-5d4f-abcde.json";
    String second = "pods/shop/store-5d4f-fghij.json";
    String other = "pods/shop/store-2-5d4f-abcde.json";
    assertThat(zipped()).containsKeys("version.txt", "check.json").doesNotContainKey(first);
    assertThat(zipped("--all")).containsKeys(first, second, other);
    assertThat(zipped("--app-namespaces", "shop")).containsKeys(first, second, other);
    assertThat(zipped("--app-pods", "shop/store-5d4f-fghij"))
        .containsKey(second)
        .doesNotContainKeys(first, other);
    assertThat(zipped("--app-deployments", "shop/store"))
        .containsKeys(first, second)
        .doesNotContainKey(other)
        .hasEntrySatisfying(first, text -> assertThat(text).contains("no daemon answers"));
  }

  /** Kubernetes cuts such names before it adds its five characters. */
  @Test
  void podsOfADeploymentWithALongNameAreFound() throws IOException {
    String deployment = "billing-invoice-renderer-with-a-long-name-of-50-chrs";
    String pod = (deployment + "-7c9d8b6f5-").substring(0, 58) + "abcde";
    Files.writeString(directory.resolve("long.yaml"), MESH.formatted(pod, 9));
    assertThat(zipped("--app-deployments", "shop/" + deployment))
        .containsKey("pods/shop/" + pod + ".json");
  }

  @Test
  void whoWasNotAskedIsTold() throws IOException {
    assertThat(zipped("--all").get("pods/not-asked.txt")).contains("no-such-node-here");
  }

  /** Whoever may make pods may label them as the mesh's; what they log is not for helpers. */
  @ParameterizedTest
  @ValueSource(strings = {"pod", "binding"})
  void logsAreOfPodsInNamespacesOfTheReleaseAlone(String known) throws Exception {
    ObjectMapper json = new ObjectMapper();
    try (FakeCluster cluster = new FakeCluster()) {
      for (String pod : List.of("mesh/node-1", "mesh/controller-1", "tenant/node-2")) {
        String path = "/api/v1/namespaces/" + pod.replace("/", "/pods/");
        boolean inNodesNetwork = pod.equals(known.equals("pod") ? "mesh/node-1" : "tenant/node-2");
        String[] names = pod.split("/");
        cluster.put(
            path,
            (ObjectNode)
                json.readTree(
                    """
                    {"metadata": {"namespace": "%s", "name": "%s",
                                  "labels": {"app.kubernetes.io/name": "sluice"}},
                     "spec": {"hostNetwork": %s}}\
                    """
                        .formatted(names[0], names[1], inNodesNetwork)));
      }
      if (known.equals("binding")) {
        cluster.put(
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/sluice",
            (ObjectNode)
                json.readTree(
                    """
                    {"metadata": {"name": "sluice", "labels": {"app.kubernetes.io/name": "sluice"}},
                     "subjects": [{"kind": "ServiceAccount", "name": "s", "namespace": "mesh"}]}\
                    """));
      }

      Map<String, String> texts = zipped("--kubeconfig", cluster.kubeconfig(directory).toString());

      assertThat(texts)
          .containsKeys("logs/pod-1-mesh-controller-1.log", "logs/pod-2-mesh-node-1.log");
      assertThat(texts.keySet()).noneMatch(name -> name.contains("tenant"));
      assertThat(texts.get("logs/cluster.txt")).contains("tenant/node-2");
    }
  }

  /** What servers alone should know, in the forms in which policy is told. */
  @Test
  void jsonStaysJsonWithoutTheSecretsInIt() throws IOException {
    ObjectMapper json = new ObjectMapper();
    assertThat(
            Secrets.clean(
                    json.readTree(
                        """
                        {"changes": [{"name": "authorization", "value": "Basic x1"}],
                         "headers": {"x-gitlab-auth": "x2"}, "apiKey": "x3", "key-data": ["x4"],
                         "text": "--token x5", "entries": [{"key": "user", "value": "x6"}],
                         "requestHeaders": [{"name": "x-a", "exact": "x7"}],
                         "secretName": "web-tls", "path": "/books", "port": 80, "netnsCookie": 4}
                        """))
                .toString())
        .doesNotContainPattern("x[0-9]")
        .contains("authorization", "x-gitlab-auth", "x-a", "web-tls", "/books", "80", "4");
  }

  @Test
  void longNamesAreWholeInATarToo() throws Exception {
    String name = "a".repeat(200) + "-5d4f-";
    for (String last : List.of("abcde", "fghij")) {
      String pod = MESH.formatted(name + last, 9).replace("shop", "n".repeat(60));
      Files.writeString(directory.resolve(last + ".yaml"), pod);
    }
    Path file = directory.resolve("report.tar.gz");
    assertThat(report("-o", file.toString(), "--all")).as("%s", told).isZero();
    Process tar = new ProcessBuilder("tar", "tzf", file.toString()).start();
    assertThat(new String(tar.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .contains("n/" + name + "abcde.json\n", "n/" + name + "fghij.json\n", "ingress.json\n");
    assertThat(tar.waitFor()).isZero();
  }

  @Test
  void anInterruptedReportLeavesNoFile() throws Exception {
    Path file = directory.resolve("report.zip");
    try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Files.writeString(
          directory.resolve("kubeconfig"),
          """
          clusters: [{name: site, cluster: {server: "https://127.0.0.1:%d"}}]
          contexts: [{name: site, context: {cluster: site, user: me}}]
          users: [{name: me, user: {token: secret}}]
          current-context: site
          """
              .formatted(silent.getLocalPort()));
      Process report =
          new ProcessBuilder(
                  ProcessHandle.current().info().command().orElseThrow(),
                  "--enable-native-access=ALL-UNNAMED",
                  "-XX:TieredStopAtLevel=1",
                  "-XX:+UseSerialGC",
                  "-cp",
                  System.getProperty("java.class.path"),
                  SluiceCommand.class.getName(),
                  "support",
                  "bug-report",
                  "--node-name=no-such-node-here",
                  "--kubeconfig=" + directory.resolve("kubeconfig"),
                  "--registry=" + directory,
                  "-o" + file)
              .redirectErrorStream(true)
              .redirectOutput(directory.resolve("said").toFile())
              .start();
      silent.accept(); // kept without an answer
      assertThat(file).exists();
      report.destroy();
      assertThat(report.waitFor()).isNotZero();
    }
    assertThat(file).doesNotExist();
  }

  @Test
  void ingressIsToldAsNodesHaveIt() throws IOException {
    assertThat(zipped()).doesNotContainKey("ingress.json");
    assertThat(zipped("--ingress").get("ingress.json"))
        .contains("\"ingresses\" : \"no cluster is asked\"", "\"10.9.0.0\"");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"--app-namespaces shopp", "--app-deployments shop/stor", "--app-pods store"})
  void whoMeansNobodyIsTold(String words) throws IOException {
    assertThat(report(words.split(" "))).isEqualTo(2);
    assertThat(told.toString()).contains(words + " means none of the 3 pods");
  }

  @Test
  void aFileOfAnotherFormIsNotWritten() {
    Path file = directory.resolve("report.rar");
    assertThat(report("-o", file.toString())).isEqualTo(2);
    assertThat(told.toString()).contains("ends neither with .zip nor with .tar.gz");
    assertThat(file).doesNotExist();
  }

  @Test
  void withoutANameItIsANewFileOfWhoAsked() throws IOException {
    assertThat(report()).as("%s", told).isZero();
    Path file = Path.of(told.toString().split(", ")[0]);
    assertThat(Files.getPosixFilePermissions(file))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    Files.delete(file);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "AWS_SECRET_ACCESS_KEY=x",
        "{\"clientSecret\": \"x\"}",
        "clientSecret \"x\"",
        "from https://user:x@host/path",
        "redis://:x@host",
        "passwd=x",
        "set-cookie: x",
        "db_pwd: x",
        "credentials: x",
        "private_key: x",
        "session_id=x",
        "Authorization: x",
        "got bearer x",
        "run --token x",
        "ghp_0123456789abcdefghij0123456789abcdef",
        "AGE-SECRET-KEY-1X",
        "AKIAABCDEFGHIJKLMNOP",
        "sluice-join.x",
        "DB_PASS=hunter2",
        "passphrase=hunter2",
        "auth=hunter2",
        "password hunter2",
        "Authorization Basic dXNlcjp4",
        "sk_live_0123456789",
        "xoxb-0123456789",
        "-----BEGIN EC PRIVATE KEY-----"
      })
  void aLineWithWhatMayBeASecretIsLeftOut(String line) {
    assertThat(Secrets.clean("before\n" + line + "\n")).startsWith("before\n[a line left");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET http://store.shop:8080/books 403",
        "spiffe://cluster.local/ns/shop/sa/buyer: the certificate has expired",
        "a token has expired",
        "passthrough: 4",
        "authorization failed",
        "\"netnsCookie\" : 4",
        "image sluice@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      })
  void whatAHelperNeedsStays(String line) {
    assertThat(Secrets.clean(line)).isEqualTo(line + "\n");
  }

  /** Anybody's pod may log it, and a report has as much of many pods. */
  @ParameterizedTest
  @ValueSource(
      strings = {"://::::", "://", ":", "token", "secret ", "eyJ", "eyJ-------- ", "=", "a "})
  @Timeout(value = 10, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void aLongLineIsReadInTheTimeOfItsLength(String part) {
    String line = "://" + part.repeat((64 << 10) / part.length()) + "! a ?";
    assertThat(Secrets.clean(line)).isEqualTo(line + "\n");
  }
}
