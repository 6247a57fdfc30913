package io.sluice.control.traffic;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.Headers;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.kubernetes.KubernetesApiException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.cert.CertPathValidator;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x500.style.IETFUtils;
import org.bouncycastle.cert.jcajce.JcaX509CertificateHolder;
import org.jspecify.annotations.Nullable;

/**
 * In whose name the cluster's API server asks. Who that server is, and in which headers it names
 * its caller, it says in a ConfigMap of its own (Kubernetes, "Configure the Aggregation Layer").
 * Nobody else is believed, and while the ConfigMap was never read nobody at all. Any thread.
 */
final class FrontProxy {
  static final String CONFIG_MAP =
      "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";

  private static final Logger LOG = System.getLogger(FrontProxy.class.getName());
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration READ_AGAIN = Duration.ofMinutes(1);

  /** Of who is not believed, as its certificate may be newer than what was read. */
  private static final Duration READ_AT_ONCE = Duration.ofSeconds(5);

  private static final String AUTHENTICATED = "system:authenticated";
  private static final int LONGEST_CHAIN = 6;
  private static final String CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"; // RFC 5280 §4.2.1.12

  private final KubernetesApi api;
  private final InstantSource clock;
  private @Nullable Said said; // guarded by this, as what follows
  private Instant lookAt = Instant.MIN;
  private Instant lookAtOnceAt = Instant.MIN;

  /**
   * @param api not closed here
   */
  FrontProxy(KubernetesApi api, InstantSource clock) {
    this.api = api;
    this.clock = clock;
  }

  /** Who asks the API server. */
  record Caller(String user, String uid, List<String> groups, Map<String, List<String>> extra) {
    Caller {
      groups = List.copyOf(groups);
      extra = Map.copyOf(extra);
    }
  }

  /** What the ConfigMap says. */
  private record Said(
      Set<TrustAnchor> anchors,
      List<String> names,
      List<String> userHeaders,
      List<String> uidHeaders,
      List<String> groupHeaders,
      List<String> extraPrefixes) {
    static Said of(JsonNode data) throws JsonProcessingException {
      return new Said(
          Pem.parse(data.path("requestheader-client-ca-file").asText(), CONFIG_MAP)
              .certificates()
              .stream()
              .map(root -> new TrustAnchor(root, null))
              .collect(Collectors.toUnmodifiableSet()),
          words(data, "requestheader-allowed-names"),
          words(data, "requestheader-username-headers"),
          words(data, "requestheader-uid-headers"),
          words(data, "requestheader-group-headers"),
          words(data, "requestheader-extra-headers-prefix"));
    }

    private static List<String> words(JsonNode data, String key) throws JsonProcessingException {
      List<String> words = new ArrayList<>();
      JSON.readTree(data.path(key).asText("[]")).forEach(each -> words.add(each.asText()));
      return List.copyOf(words);
    }

    /** Without names every client of that authority is meant. */
    boolean believes(List<X509Certificate> chain, Instant now) {
      try {
        X509Certificate leaf = chain.getFirst();
        PKIXParameters parameters = new PKIXParameters(anchors);
        parameters.setRevocationEnabled(false);
        parameters.setDate(Date.from(now));
        CertPathValidator.getInstance("PKIX")
            .validate(CertificateFactory.getInstance("X.509").generateCertPath(chain), parameters);
        List<String> uses = leaf.getExtendedKeyUsage();
        return (uses == null || uses.contains(CLIENT_AUTH))
            && (names.isEmpty() || commonNames(leaf).anyMatch(names::contains));
      } catch (GeneralSecurityException e) {
        return false;
      }
    }

    private static Stream<String> commonNames(X509Certificate leaf)
        throws GeneralSecurityException {
      return Stream.of(new JcaX509CertificateHolder(leaf).getSubject().getRDNs(BCStyle.CN))
          .flatMap(name -> Stream.of(name.getTypesAndValues()))
          .filter(each -> each.getType().equals(BCStyle.CN))
          .map(each -> IETFUtils.valueToString(each.getValue()));
    }

    Optional<Caller> caller(Headers headers) {
      return first(userHeaders, headers)
          .map(user ->
              new Caller(
                  user,
                  first(uidHeaders, headers).orElse(""),
                  groups(user, headers),
                  extra(headers)));
    }

    /** Whoever is named has shown who it is; Kubernetes has each server say so by itself. */
    private List<String> groups(String user, Headers headers) {
      List<String> groups = new ArrayList<>();
      groupHeaders.stream().map(headers::get).filter(Objects::nonNull).forEach(groups::addAll);
      if (!user.equals("system:anonymous")
          && !groups.contains("system:unauthenticated")
          && !groups.contains(AUTHENTICATED)) {
        groups.add(AUTHENTICATED);
      }
      return groups;
    }

    private static Optional<String> first(List<String> names, Headers headers) {
      return names.stream()
          .map(headers::getFirst)
          .filter(value -> value != null && !value.isEmpty())
          .findFirst();
    }

    private Map<String, List<String>> extra(Headers headers) {
      Map<String, List<String>> extra = new TreeMap<>();
      headers.forEach((name, values) -> {
        String lower = name.toLowerCase(Locale.ROOT);
        for (String prefix : extraPrefixes) {
          if (lower.startsWith(prefix.toLowerCase(Locale.ROOT))) {
            extra.put(decoded(lower.substring(prefix.length())), List.copyOf(values));
          }
        }
      });
      return extra;
    }

    /** Of what is not a header's character {@code %} and two digits are written. */
    private static String decoded(String key) {
      try {
        return URLDecoder.decode(key.replace("+", "%2B"), StandardCharsets.UTF_8);
      } catch (IllegalArgumentException e) {
        return key;
      }
    }
  }

  /** Empty where it is not the API server that asks. */
  Optional<Caller> caller(Certificate[] shown, Headers headers) {
    List<X509Certificate> chain =
        Stream.of(shown)
            .filter(X509Certificate.class::isInstance)
            .map(X509Certificate.class::cast)
            .toList();
    if (chain.isEmpty() || chain.size() > LONGEST_CHAIN) {
      return Optional.empty();
    }
    return believing(chain, false)
        .or(() -> believing(chain, true))
        .flatMap(by -> by.caller(headers));
  }

  private Optional<Said> believing(List<X509Certificate> chain, boolean atOnce) {
    return said(atOnce).filter(by -> by.believes(chain, clock.instant()));
  }

  private synchronized Optional<Said> said(boolean atOnce) {
    Instant now = clock.instant();
    if (!now.isBefore(atOnce ? lookAtOnceAt : lookAt)) {
      lookAt = now.plus(READ_AGAIN);
      lookAtOnceAt = now.plus(READ_AT_ONCE);
      try {
        said = Said.of(api.get(CONFIG_MAP).path("data"));
      } catch (KubernetesApiException | AuthorityException | JsonProcessingException e) {
        lookAt = lookAtOnceAt;
        LOG.log(
            Level.WARNING,
            "front_proxy_not_read before={0} {1}",
            said == null ? "never" : "in force",
            e.getMessage());
      }
    }
    return Optional.ofNullable(said);
  }
}
