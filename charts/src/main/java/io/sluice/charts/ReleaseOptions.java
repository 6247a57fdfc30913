package io.sluice.charts;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.sluice.cli.arguments.WrittenDurationConverter;
import io.sluice.cli.cluster.ClusterOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that say which release of which chart in which cluster is meant. */
final class ReleaseOptions {
  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Option(
      names = {"-n", "--namespace", "--osm-namespace"},
      paramLabel = "NAME",
      description = "Namespace of the mesh. Default: ${DEFAULT-VALUE}.",
      defaultValue = "sluice-system")
  private String namespace = "sluice-system";

  @Option(
      names = {"--release", "--mesh-name"},
      paramLabel = "NAME",
      description = "Name of the release. Default: ${DEFAULT-VALUE}.",
      defaultValue = "sluice")
  private String release = "sluice";

  @Option(
      names = "--timeout",
      paramLabel = "TIME",
      description = "Longest wait for each step, such as 90s or 5m. Default: ${DEFAULT-VALUE}.",
      converter = WrittenDurationConverter.class,
      defaultValue = "5m")
  private Duration timeout = Duration.ofMinutes(5);

  @Option(
      names = {"--chart", "--osm-chart-path"},
      paramLabel = "DIR",
      description = "The chart. Default: the one beside this program.")
  private @Nullable Path chart;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  Config config() {
    if (chart != null) {
      chart(); // what was typed first, then what it finds
    }
    return cluster.access().config();
  }

  String namespace() {
    return namespace;
  }

  String release() {
    return release;
  }

  Duration timeout() {
    return timeout;
  }

  HelmRelease helm(Config config) {
    return new HelmRelease(
        chart(), release, namespace, ClusterCredentials.kubeconfig(config), timeout);
  }

  /** What of the release runs in the cluster of {@code client}, which the caller closes. */
  MeshWorkloads mesh(KubernetesClient client) {
    return new MeshWorkloads(client, namespace, release);
  }

  /**
   * The objects that the chart makes of values, without a cluster.
   *
   * @param kubeVersion what the API server says
   * @throws ParameterException where the chart refuses a value
   */
  String text(List<String> values, String kubeVersion, PrintedObject.HookChoice hooks) {
    return usable(() -> printed(kubeVersion).text(values, hooks));
  }

  /**
   * Before anything is written to the cluster of {@code client}.
   *
   * @return what the chart makes, as far as it can be told without asking the cluster
   * @throws ParameterException where the chart refuses a value on a cluster of that version
   * @throws IllegalStateException where the cluster cannot hold the authority's keys so
   */
  List<PrintedObject> check(List<String> values, KubernetesClient client) {
    String kubeVersion = client.getKubernetesVersion().getGitVersion();
    List<PrintedObject> objects = usable(() -> printed(kubeVersion).objects(values));
    claim(client).requireFillable(objects);
    return objects;
  }

  /** The claim with the authority's keys, in the cluster of {@code client}. */
  StateClaim claim(KubernetesClient client) {
    return new StateClaim(client, namespace, release);
  }

  private PrintedChart printed(String kubeVersion) {
    return new PrintedChart(chart(), release, namespace, kubeVersion);
  }

  private <T> T usable(Supplier<T> rendering) {
    try {
      return rendering.get();
    } catch (IllegalStateException e) {
      throw new ParameterException(
          spec.commandLine(), RefusedValues.sentence(String.valueOf(e.getMessage()), chart()), e);
    }
  }

  Path chart() {
    Path folder =
        chart == null ? Path.of(System.getProperty("sluice.home", "."), "charts", "sluice") : chart;
    if (!Files.isRegularFile(folder.resolve("Chart.yaml"))) {
      throw new ParameterException(
          spec.commandLine(), "--chart " + folder + " is no chart: it has no Chart.yaml");
    }
    return folder.toAbsolutePath().normalize();
  }

  /**
   * A kubeconfig of one cluster and one user, for Helm: what our client found, so that both mean
   * the same cluster, whatever file, context or credential plug-in it came from. It holds secrets.
   */
  private static final class ClusterCredentials {
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
}
