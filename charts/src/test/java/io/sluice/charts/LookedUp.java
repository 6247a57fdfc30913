package io.sluice.charts;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.kubernetes.FakeCluster;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The cluster that Helm's {@code lookup} asks. Helm finds it by the file of {@code KUBECONFIG}, so
 * there is one for all tests. For each of them the chart was installed before, and there is nothing
 * else: keys need not be made.
 */
final class LookedUp implements BeforeEachCallback, AfterEachCallback {
  private static final String WEBHOOK = "sluice-webhook";

  private @Nullable FakeCluster server;
  private final Set<String> changed = new HashSet<>(); // secrets, by their names

  @Override
  public void beforeEach(ExtensionContext context) throws Exception {
    String file = System.getenv("KUBECONFIG");
    if (file == null || !file.endsWith("/kubeconfig")) {
      throw new IllegalStateException("the pom sets KUBECONFIG for tests, not to " + file);
    }
    server =
        context
            .getRoot()
            .getStore(ExtensionContext.Namespace.create(LookedUp.class))
            .getOrComputeIfAbsent(FakeCluster.class);
    server.kubeconfig(Path.of(file).resolveSibling(""));
    put(WEBHOOK, Map.of("ca.crt", "Y2E=", "tls.crt", "Y3J0", "tls.key", "a2V5"));
  }

  @Override
  public void afterEach(ExtensionContext context) {
    if (!changed.isEmpty()) {
      Chart.forgetRendered();
      changed.forEach(secret -> server().remove(path(secret)));
    }
  }

  private FakeCluster server() {
    if (server == null) {
      throw new IllegalStateException("no test runs");
    }
    return server;
  }

  /** The chart was not installed before. */
  void forgetInstall() {
    server().remove(path(WEBHOOK));
    change(WEBHOOK);
  }

  private static String path(String secret) {
    return "/api/v1/namespaces/" + Chart.NAMESPACE + "/secrets/" + secret;
  }

  /** A Secret of the release's namespace. */
  void secret(String name, Map<String, String> data) {
    put(name, data);
    change(name);
  }

  /** What was rendered is of another cluster. */
  private void change(String secret) {
    changed.add(secret);
    Chart.forgetRendered();
  }

  private void put(String name, Map<String, String> data) {
    ObjectNode secret = JsonNodeFactory.instance.objectNode();
    secret.put("apiVersion", "v1").put("kind", "Secret");
    secret.putObject("metadata").put("name", name).put("namespace", Chart.NAMESPACE);
    data.forEach(secret.putObject("data")::put);
    server().put(path(name), secret);
  }
}
