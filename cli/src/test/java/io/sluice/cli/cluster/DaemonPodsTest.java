package io.sluice.cli.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import io.sluice.mesh.NamespacedName;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class DaemonPodsTest {
  private static final String BEHIND_PROXY = "/k8s/clusters/c-1";
  private static final String POD =
      """
      {"metadata": {"namespace": "%s", "name": "%s"}, "status": {"phase": "Running"},
       "spec": {"nodeName": "n", "hostNetwork": %s, "containers": [{"name": "node"}]}}\
      """;

  /** Whoever may make pods may give them the daemon's labels, and would answer in its place. */
  @Test
  void aPodWithTheLabelsOfTheDaemonAndANetworkOfItsOwnIsNotAsked(@TempDir Path folder)
      throws Exception {
    String tenants = POD.formatted("tenant", "daemon", false);
    String ours = POD.formatted("sluice-system", "sluice-node-1", true);
    Map<String, String> answers =
        Map.of(
            BEHIND_PROXY + "/api/v1/namespaces/shop/pods/cart",
                POD.formatted("shop", "cart", false),
            BEHIND_PROXY + "/api/v1/pods", "{\"items\": [%s, %s]}".formatted(tenants, ours));
    List<String> asked = new CopyOnWriteArrayList<>();
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          String path = exchange.getRequestURI().getPath();
          asked.add(path);
          byte[] body = answers.getOrDefault(path, "{}").getBytes(StandardCharsets.UTF_8);
          exchange.getResponseHeaders().set("Content-Type", "application/json");
          exchange.sendResponseHeaders(answers.containsKey(path) ? 200 : 403, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    try {
      Path kubeconfig =
          Files.writeString(
              folder.resolve("kubeconfig"),
              """
              clusters: [{name: site, cluster: {server: "http://127.0.0.1:%s%s"}}]
              contexts: [{name: site, context: {cluster: site, user: me}}]
              users: [{name: me, user: {token: dG9rZW4}}]
              current-context: site
              """
                  .formatted(server.getAddress().getPort(), BEHIND_PROXY));
      ClusterAccess access =
          new ClusterAccess(
              kubeconfig, null, new CommandLine(CommandLine.Model.CommandSpec.create()));

      assertThatThrownBy(() ->
              DaemonPods.run(
                  access,
                  NamespacedName.parse("shop/cart"),
                  node -> List.of("sluice", node),
                  DaemonPods.SHORT_BYTES))
          .hasMessageContaining("answered 403 to exec in sluice-node-1; check --kubeconfig");

      DaemonPods.Pods pods = DaemonPods.ask(access, found -> found);
      assertThat(pods.daemons()).containsOnlyKeys("n");
      assertThat(pods.controllers())
          .as("in the daemons' namespace")
          .containsOnlyKeys("sluice-node-1");
      assertThat(asked)
          .anyMatch(path ->
              path.startsWith(BEHIND_PROXY + "/api/v1/namespaces/sluice-system/pods/sluice-node-1"))
          .noneMatch(path -> path.startsWith(BEHIND_PROXY + "/api/v1/namespaces/tenant/"));
    } finally {
      server.stop(0);
    }
  }
}
