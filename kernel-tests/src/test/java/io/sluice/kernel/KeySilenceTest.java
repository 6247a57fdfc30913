package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.attack.Attack;
import io.sluice.control.authority.svid.Pem;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Cluster;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.ControlView;
import io.sluice.lab.site.DaemonView;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.Relay;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.node.NodeSettings;
import io.sluice.node.identity.control.ControlFailure;
import io.sluice.node.identity.control.ControllerClient;
import io.sluice.node.identity.control.ControllerTrust;
import io.sluice.node.identity.control.JoinToken;
import io.sluice.node.identity.store.CredentialStore;
import io.sluice.node.identity.x509.SigningRequests;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.math.BigInteger;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.interfaces.ECPrivateKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.ResourceLock;

/**
 * No key and no token is told: not in a log, a message, an answer, a metric, the command line of a
 * process, nor in any file but those that are there for keys.
 */
@ExtendWith(SharedShop.class)
@ResourceLock(SharedShop.LOCK)
@Tag("kernel")
class KeySilenceTest {
  private static final String FORGED_ACCOUNT_TOKEN =
      "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQifQ.c2lnbmF0dXJlLW9mLW5vYm9keQ";

  private static final Duration LONGEST_REPORT = Await.patience(60);
  private static final long LARGEST_REPORT_BYTES = 20 << 20;

  /** Where keys and tokens are meant to lie, below the folder of the cluster. */
  private static boolean isForKeys(Path file) {
    String path = file.toString();
    return path.contains("/identity/")
        || path.contains("/authority/keys/")
        || file.getFileName().toString().startsWith("join-");
  }

  @Test
  @Tag("attack")
  void noKeyAndNoTokenIsToldAnywhere(TwoNodes shop) throws Exception {
    setLogs(shop, "trace");
    try {
      try (TcpServer server = TcpServer.echo(shop.store, Family.IPV6, shop.freshPort())) {
        assertThat(shop.call(shop.buyer, Family.IPV6, server.port(), "hello").answer())
            .isEqualTo("hello");
        Attempt refused = shop.call(shop.thief, Family.IPV6, server.port(), "hello");
        assertThat(refused.answer()).isNotEqualTo("hello");
      }
      Map<String, byte[]> secrets = secrets(shop.cluster);
      Map<String, String> told = new LinkedHashMap<>();
      told.put("refusals of tokens", refusals(shop));
      answers(shop, told);
      told.putAll(ProxyQueries.told(shop));
      files(shop.cluster.directory(), told);

      assertThat(secrets.keySet())
          .anyMatch(name -> name.startsWith("authority's"))
          .anyMatch(name -> name.startsWith("node's"))
          .anyMatch(name -> name.startsWith("workload's"))
          .anyMatch(name -> name.startsWith("seal"))
          .anyMatch(name -> name.startsWith("join token"));
      assertThat(told.keySet())
          .anyMatch(name -> name.endsWith("control.log"))
          .anyMatch(name -> name.endsWith("daemon.log"))
          .anyMatch(name -> name.endsWith("access.log"));
      told.forEach((place, text) -> assertThat(told(text, secrets)).as(place).isEmpty());
      // A copy of a log's end with each secret, in each form: the search finds what it is for.
      String log = shop.control().logTail();
      secrets.forEach((name, secret) ->
          forms(secret)
              .forEach(form ->
                  assertThat(told(log + "\nkey=" + form + "\n", secrets)).as(name).contains(name)));
      assertThat(told(log + "-----BEGIN EC PRIVATE KEY-----", secrets)).contains("a PEM key");
    } finally {
      setLogs(shop, "info");
      // Not sooner: a node that stores a change has a file for a moment, which the search would
      // miss.
      shop.change(() -> shop.cluster.registry().remove(ProxyQueries.SERVICE));
    }
    Attack.tried("keys and tokens looked for in logs, answers, metrics, command lines and files")
        .refusedBy("none is told: authority, nodes, workloads, seal, tokens")
        .countedAs("-");
  }

  private static void setLogs(TwoNodes shop, String level) {
    for (SitePod pod : List.of(shop.buyer, shop.store)) {
      String site = shop.cluster.site(pod.equals(shop.buyer) ? "a" : "b").prefix();
      String query = "logging?level=" + level;
      JavaCommand.here("proxy", "set", query, pod.meshName(), "--node-name", site);
    }
  }

  /** Every secret of the cluster by name. */
  static Map<String, byte[]> secrets(Cluster cluster) throws IOException {
    Map<String, byte[]> secrets = new LinkedHashMap<>();
    Path home = cluster.directory();
    for (Path file : walk(home.resolve("control/authority/keys"))) {
      if (file.toString().endsWith(".pem")) {
        for (PrivateKey key : Pem.parse(Files.readString(file), file.toString()).keys()) {
          secrets.put("authority's " + file.getFileName(), number(key));
        }
      }
    }
    for (Site site : cluster.sites()) {
      Path identity = site.directory().resolve("state/identity");
      Path sealKey = CredentialStore.usualKeyFile(identity);
      secrets.put("seal of " + site.prefix(), Files.readAllBytes(sealKey));
      CredentialStore store = CredentialStore.open(identity, sealKey);
      secrets.put("node's " + site.prefix(), number(store.node().orElseThrow().credential().key()));
      store
          .workloads(problem -> {
            throw problem;
          })
          .forEach(one -> secrets.put("workload's " + one.identity(), number(one.key())));
    }
    for (Path file : walk(home)) {
      if (file.getFileName().toString().startsWith("join-")
          && !file.toString().contains("join-tokens")) {
        secrets.put(
            "join token in " + file.getFileName(),
            JoinToken.parse(Files.readString(file)).secret().getBytes(StandardCharsets.US_ASCII));
      }
    }
    secrets.put("account token", FORGED_ACCOUNT_TOKEN.getBytes(StandardCharsets.US_ASCII));
    return secrets;
  }

  /** The number that all forms of an EC key hold. */
  private static byte[] number(PrivateKey key) {
    byte[] encoded = ((ECPrivateKey) key).getS().toByteArray();
    return encoded[0] == 0 ? Arrays.copyOfRange(encoded, 1, encoded.length) : encoded;
  }

  /** What who shows bad tokens is told; the controller's log has the other half. */
  private static String refusals(TwoNodes shop) throws IOException {
    StringBuilder told = new StringBuilder();
    try (Relay relay = shop.relayToControl();
        ControllerClient controller = TwoNodes.caller(relay)) {
      Path file =
          walk(shop.cluster.directory()).stream()
              .filter(one -> one.getFileName().toString().startsWith("join-"))
              .filter(one -> !one.toString().contains("join-tokens"))
              .findFirst()
              .orElseThrow();
      JoinToken used = JoinToken.parse(Files.readString(file));
      ControllerTrust trust = ControllerTrust.byFingerprint(used.rootFingerprint(), List.of());
      for (String token :
          List.of(used.presented(), used.id() + "." + used.secret() + "x", FORGED_ACCOUNT_TOKEN)) {
        assertThatThrownBy(() ->
                controller.admit(
                    trust, "thief", token, SigningRequests.of(SigningRequests.newKey())))
            .isInstanceOf(ControlFailure.class)
            .satisfies(failure -> told.append(failure).append('\n'));
      }
    }
    assertThat(shop.control().log()).contains("control_call_refused");
    return told.toString();
  }

  /** What daemons and controller answer whoever may ask, and how they were started. */
  private static void answers(TwoNodes shop, Map<String, String> told)
      throws IOException, InterruptedException {
    ControlView control = shop.control().view();
    told.put("control status", control.status() + shop.control().run("status"));
    told.put("control token list", shop.control().run("token", "list"));
    for (Site site : shop.cluster.sites()) {
      DaemonView view = site.daemon().view();
      AdminClient admin = new AdminClient(NodeSettings.adminSocket(site.prefix()));
      for (String request : List.of("status", "pods", "certificates", "events", "maps")) {
        told.put(site.prefix() + " " + request, admin.ask(AdminRequest.of(request)).toString());
      }
      for (JsonNode map : admin.ask(AdminRequest.of("maps"))) {
        String name = map.path("map").asText();
        told.put(
            site.prefix() + " dump " + name,
            admin.ask(new AdminRequest("dump", name, false)).toString());
      }
      told.put(site.prefix() + " metrics", view.metrics());
      told.put(
          site.prefix() + " command line",
          Files.readString(Path.of("/proc", Long.toString(site.daemon().pid()), "cmdline"))
              + Files.readString(
                  Path.of("/proc", Long.toString(site.daemon().pid()), "environ"),
                  StandardCharsets.ISO_8859_1));
      for (String form : List.of("json", "wide")) {
        told.put(
            site.prefix() + " node certificates -o " + form,
            JavaCommand.here("node", "certificates", "--node-name", site.prefix(), "-o", form));
      }
    }
    told.put("a bug report", report(shop.cluster, shop.b()));
    try (Relay relay = shop.control().relayToMetrics()) {
      told.put(
          "metrics of the controller",
          new String(
              URI.create("http://127.0.0.1:" + relay.port() + "/metrics")
                  .toURL()
                  .openStream()
                  .readAllBytes(),
              StandardCharsets.UTF_8));
    }
  }

  /**
   * All files of a report of a node, to which somebody gives even what holds a token; made in the
   * time, and of the size, that reports may have.
   */
  static String report(Cluster cluster, Site site) throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory("report");
    Path file = folder.resolve("report.tar.gz");
    Path home = cluster.directory();
    List<String> arguments =
        new ArrayList<>(List.of("support", "bug-report", "--without-cluster", "--all"));
    arguments.addAll(List.of("-o", file.toString(), "--node-name", site.prefix()));
    arguments.addAll(List.of("--state", site.state().toString()));
    arguments.addAll(List.of("--control-state", home.resolve("control").toString()));
    for (Path log : walk(home)) {
      String name = log.getFileName().toString();
      if (name.endsWith(".log")
          || (name.startsWith("join-") && !log.toString().contains("tokens"))) {
        arguments.addAll(List.of("--log", log.toString()));
      }
    }
    try {
      long begin = System.nanoTime();
      Timed ended = Timed.sluice(arguments);
      Duration wall = Duration.ofNanos(System.nanoTime() - begin);
      assertThat(ended.code()).as("%s", ended).isZero();
      System.out.printf("report: %s, %s busy, %s bytes%n", wall, ended.busy(), Files.size(file));
      assertThat(wall).isLessThan(LONGEST_REPORT);
      assertThat(Files.size(file)).isLessThan(LARGEST_REPORT_BYTES);
      assertThat(Commands.run("tar", "tzf", file.toString()))
          .contains("check.json", "status.json", "maps.json", "controller.json", "daemon.log");
      String text = Commands.run("tar", "xzOf", file.toString());
      assertThat(text).contains("[a line left out]", "\"snapshotRevision\"", "\"checks\"");
      return text;
    } finally {
      Files.deleteIfExists(file);
      Files.delete(folder);
    }
  }

  /** Every file that is not there for keys: logs, snapshots, journal, registry. */
  private static void files(Path home, Map<String, String> told) throws IOException {
    for (Path file : walk(home)) {
      Path place = home.relativize(file);
      boolean isOfATest = place.getNameCount() == 1 && place.toString().endsWith(".key");
      if (!isForKeys(file) && !isOfATest) {
        told.put(place.toString(), Files.readString(file, StandardCharsets.ISO_8859_1));
      }
    }
  }

  private static List<Path> walk(Path from) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      return files.filter(Files::isRegularFile).toList();
    }
  }

  /** Names of the secrets that a text holds in some form. */
  static List<String> told(String text, Map<String, byte[]> secrets) {
    WordSearch asTheyAre = new WordSearch();
    WordSearch inLowerCase = new WordSearch();
    WordSearch inOneLine = new WordSearch();
    asTheyAre.add("PRIVATE KEY", "a PEM key");
    secrets.forEach((name, secret) -> {
      asTheyAre.add(new String(secret, StandardCharsets.ISO_8859_1), name);
      inLowerCase.add(HexFormat.of().formatHex(secret), name);
      inOneLine.add(decimal(secret), name);
      for (int shift = 0; shift < 3; shift++) {
        inOneLine.add(base64(secret, shift, false), name);
        inOneLine.add(base64(secret, shift, true), name);
      }
    });
    String plain = text.replaceAll("[\\s:]", "");
    Set<String> found = new LinkedHashSet<>(asTheyAre.in(text));
    found.addAll(inLowerCase.in(plain.toLowerCase(Locale.ROOT)));
    found.addAll(inOneLine.in(plain));
    return List.copyOf(found);
  }

  private static String decimal(byte[] secret) {
    return new BigInteger(1, secret).toString();
  }

  /** The digits that depend on the secret alone where {@code shift} bytes go before it. */
  private static String base64(byte[] secret, int shift, boolean forUrls) {
    byte[] shifted = new byte[shift + secret.length];
    System.arraycopy(secret, 0, shifted, shift, secret.length);
    int whole = shifted.length / 3 * 3;
    byte[] cut = Arrays.copyOf(shifted, whole);
    String text = (forUrls ? Base64.getUrlEncoder() : Base64.getEncoder()).encodeToString(cut);
    return text.substring(shift == 0 ? 0 : 4);
  }

  /** As careless code would tell a secret. */
  private static List<String> forms(byte[] secret) {
    byte[] wrapped = new byte[secret.length + 4]; // as an octet string of some structure
    System.arraycopy(secret, 0, wrapped, 2, secret.length);
    return List.of(
        new String(secret, StandardCharsets.ISO_8859_1),
        HexFormat.of().formatHex(secret),
        HexFormat.ofDelimiter(":").withUpperCase().formatHex(secret),
        decimal(secret),
        Base64.getEncoder().encodeToString(secret),
        Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII)).encodeToString(wrapped),
        Base64.getUrlEncoder().withoutPadding().encodeToString(wrapped));
  }
}
