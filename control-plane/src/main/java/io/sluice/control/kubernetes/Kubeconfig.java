package io.sluice.control.kubernetes;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.AuthInfo;
import io.fabric8.kubernetes.api.model.AuthInfoBuilder;
import io.fabric8.kubernetes.api.model.Cluster;
import io.fabric8.kubernetes.api.model.ConfigBuilder;
import io.fabric8.kubernetes.api.model.Context;
import io.fabric8.kubernetes.api.model.NamedAuthInfo;
import io.fabric8.kubernetes.api.model.NamedCluster;
import io.fabric8.kubernetes.api.model.NamedContext;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.OAuthTokenProvider;
import io.fabric8.kubernetes.client.internal.KubeConfigUtils;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.kubernetes.KubeconfigField.Found;
import io.sluice.mesh.FileFault;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * What one kubeconfig file says, or several together: of two entries with one name the first
 * counts, as with {@code kubectl} (Kubernetes, "Organizing Cluster Access Using kubeconfig Files").
 *
 * <p>The library connects; reading certificates and keys and running credential plug-ins is done
 * here, since the library takes an EC key in SEC 1 alone, and tells of a plug-in that fails in its
 * log only. Failures are {@link IllegalArgumentException}s that name file and field.
 */
public final class Kubeconfig {
  private static final long LARGEST_BYTES = 1 << 20;

  /** Looks for no kinds on the class path: for an extension, it would load the classes of all. */
  private static final KubernetesSerialization YAML =
      new KubernetesSerialization(new ObjectMapper(), false);

  private final Map<String, Entry<Cluster>> clusters = new LinkedHashMap<>();
  private final Map<String, Entry<AuthInfo>> users = new LinkedHashMap<>();
  private final Map<String, Entry<Context>> contexts = new LinkedHashMap<>();
  private final Path first;
  private String current = "";

  private Kubeconfig(Path first) {
    this.first = first;
  }

  /** A named member of a list, and the place that it has, for messages and relative names. */
  private record Entry<T>(T value, KubeconfigField field) {}

  /**
   * Reads files.
   *
   * @param files at least one; each has to be there
   */
  public static Kubeconfig read(List<Path> files) {
    Kubeconfig read = new Kubeconfig(files.getFirst());
    files.forEach(read::add);
    return read;
  }

  private void add(Path file) {
    var content = content(file);
    if (current.isEmpty() && content.getCurrentContext() != null) {
      current = content.getCurrentContext();
    }
    for (NamedCluster each : list(content.getClusters())) {
      put(clusters, file, "clusters", each.getName(), "cluster", each.getCluster());
    }
    for (NamedAuthInfo each : list(content.getUsers())) {
      put(users, file, "users", each.getName(), "user", each.getUser());
    }
    for (NamedContext each : list(content.getContexts())) {
      put(contexts, file, "contexts", each.getName(), "context", each.getContext());
    }
  }

  private static <T> List<T> list(@Nullable List<T> values) {
    return values == null ? List.of() : values;
  }

  private static <T> void put(
      Map<String, Entry<T>> entries,
      Path file,
      String list,
      @Nullable String name,
      String member,
      @Nullable T value) {
    if (name != null && value != null) {
      String path = list + "[" + name + "]." + member;
      entries.putIfAbsent(name, new Entry<>(value, new KubeconfigField(file, path)));
    }
  }

  private static io.fabric8.kubernetes.api.model.@Nullable Config parsed(Path file, String text) {
    try {
      return YAML.unmarshal(text, io.fabric8.kubernetes.api.model.Config.class);
    } catch (IllegalArgumentException e) { // it speaks of classes
      throw new IllegalArgumentException(
          file + " is no kubeconfig; name one, such as ~/.kube/config", e);
    }
  }

  private static io.fabric8.kubernetes.api.model.Config content(Path file) {
    try {
      if (Files.size(file) > LARGEST_BYTES) {
        throw new IllegalArgumentException(file + " is longer than " + LARGEST_BYTES + " bytes");
      }
      var read = parsed(file, Files.readString(file));
      if (read == null) {
        throw new IllegalArgumentException(file + " is empty; a kubeconfig has clusters and users");
      }
      return read;
    } catch (IOException e) {
      throw new IllegalArgumentException(file + " cannot be read: " + FileFault.reason(e), e);
    } catch (KubernetesClientException | YamlEngineException e) {
      throw new IllegalArgumentException(
          file + " is no kubeconfig: " + KubernetesApi.quote(String.valueOf(e.getMessage())), e);
    }
  }

  /** Names of the contexts. */
  public List<String> contexts() {
    return List.copyOf(contexts.keySet());
  }

  /**
   * Server, whom to trust, and credentials; a credential plug-in of the user is run. Certificate
   * and key are in it as base64 of PEM, whatever they were; connect by {@link
   * ClientCertificate#connected}, which can read every kind of key.
   *
   * @param wanted a context; null for the current one
   */
  public Config config(@Nullable String wanted) {
    String name = wanted == null ? current : wanted;
    if (name.isEmpty()) {
      throw new KubeconfigField(first, "current-context")
          .wrong("is missing", "name one of " + contexts());
    }
    Entry<Context> context = contexts.get(name);
    if (context == null) {
      throw new KubeconfigField(first, wanted == null ? "current-context" : "contexts")
          .wrong("there is no context '" + name + "'", "name one of " + contexts());
    }
    ConfigBuilder one =
        new ConfigBuilder()
            .withCurrentContext(name)
            .addNewContext()
            .withName(name)
            .withContext(context.value())
            .endContext()
            .addNewCluster()
            .withName(context.value().getCluster())
            .withCluster(cluster(context))
            .endCluster();
    Entry<AuthInfo> user = named(context, "user", context.value().getUser(), users);
    if (user == null) {
      return config(one);
    }
    UserCredentials credentials = UserCredentials.of(user.value(), user.field());
    one.addNewUser().withName(context.value().getUser()).withUser(credentials.user()).endUser();
    Config config = config(one);
    credentials.tokens().ifPresent(config::setOauthTokenProvider);
    return config;
  }

  private static Config config(ConfigBuilder only) {
    Config config = Config.empty();
    KubeConfigUtils.merge(config, null, only.build());
    return config;
  }

  private Cluster cluster(Entry<Context> context) {
    Entry<Cluster> entry = named(context, "cluster", context.value().getCluster(), clusters);
    if (entry == null) {
      throw context.field().at("cluster").wrong("is missing", "name a cluster of the file");
    }
    Cluster cluster = entry.value();
    KubeconfigField field = entry.field();
    if (cluster.getServer() == null || cluster.getServer().isEmpty()) {
      throw field.at("server").wrong("is missing", "write https://HOST:PORT");
    }
    String authority = "certificate-authority";
    field
        .pem(authority, cluster.getCertificateAuthorityData(), cluster.getCertificateAuthority())
        .ifPresent(pem -> {
          if (pem.value().certificates().isEmpty()) {
            throw pem.field()
                .wrong("holds no certificate", "put the cluster's roots there, in PEM");
          }
        });
    if (cluster.getCertificateAuthority() != null) {
      cluster.setCertificateAuthority(field.file(cluster.getCertificateAuthority()).toString());
    }
    return cluster;
  }

  /** Null where the context names none. */
  private static <T> @Nullable Entry<T> named(
      Entry<Context> context, String member, @Nullable String name, Map<String, Entry<T>> entries) {
    if (name == null || name.isEmpty()) {
      return null;
    }
    Entry<T> entry = entries.get(name);
    if (entry == null) {
      throw context
          .field()
          .at(member)
          .wrong("there is no " + member + " '" + name + "'", "name one of " + entries.keySet());
    }
    return entry;
  }

  /**
   * How a user of a kubeconfig proves itself, in words that the library has.
   *
   * @param user without files and without a plug-in
   * @param tokens asked for each request, where a plug-in gives tokens
   */
  private record UserCredentials(AuthInfo user, Optional<OAuthTokenProvider> tokens) {

    /** Reads files, and runs the plug-in where nothing else is given. */
    static UserCredentials of(AuthInfo written, KubeconfigField field) {
      AuthInfo user = new AuthInfoBuilder(written).withExec(null).build();
      Optional<Found<Pem>> certificate =
          field.pem(
              "client-certificate",
              written.getClientCertificateData(),
              written.getClientCertificate());
      Optional<Found<Pem>> key =
          field.pem("client-key", written.getClientKeyData(), written.getClientKey());
      user.setClientCertificate(null);
      user.setClientKey(null);
      if (certificate.isPresent() || key.isPresent()) {
        put(
            certificate.orElseThrow(() ->
                field.at("client-certificate").wrong("is missing", "it goes with client-key")),
            key.orElseThrow(() ->
                field.at("client-key").wrong("is missing", "it goes with client-certificate")),
            user);
      }
      if (written.getExec() == null || hasToken(written) || certificate.isPresent()) {
        return new UserCredentials(user, Optional.empty());
      }
      CredentialPlugin plugin = new CredentialPlugin(written.getExec(), field.at("exec"));
      CredentialPlugin.Answer answer = plugin.run();
      if (!answer.certificate().isEmpty()) {
        KubeconfigField status = field.at("exec");
        put(
            new Found<>(status.pem(answer.certificate()), status),
            new Found<>(status.pem(answer.key()), status),
            user);
      }
      return new UserCredentials(
          user, answer.token().isEmpty() ? Optional.empty() : Optional.of(plugin::token));
    }

    private static boolean hasToken(AuthInfo user) {
      return user.getToken() != null && !user.getToken().isEmpty();
    }

    private static void put(Found<Pem> certificate, Found<Pem> key, AuthInfo user) {
      if (certificate.value().certificates().isEmpty()) {
        throw certificate.field().wrong("holds no certificate", "put the user's there, in PEM");
      }
      if (key.value().keys().size() != 1) {
        throw key.field()
            .wrong(
                "holds " + key.value().keys().size() + " private keys",
                "put the one of the certificate there, in PEM");
      }
      user.setClientCertificateData(
          encoded(new Pem(certificate.value().certificates(), List.of())));
      user.setClientKeyData(encoded(new Pem(List.of(), key.value().keys())));
    }

    private static String encoded(Pem pem) {
      return Base64.getEncoder().encodeToString(pem.text().getBytes(StandardCharsets.US_ASCII));
    }
  }
}
