package io.sluice.control.kubernetes;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.internal.SSLUtils;
import io.fabric8.kubernetes.client.utils.HttpClientUtils;
import io.sluice.control.authority.svid.Pem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.Base64;
import java.util.function.Consumer;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.TrustManager;

/**
 * The certificate by which a user proves itself to an API server. The library's own reader of keys
 * knows RSA and SEC 1 alone; here the JDK is given whatever {@link Pem} reads.
 */
public final class ClientCertificate {
  private static final String ALIAS = "user";

  private ClientCertificate() {}

  /**
   * A client that shows the certificate of {@code config}, where it has one. Nothing is connected
   * yet.
   *
   * @throws IllegalArgumentException where certificate or key cannot be used
   */
  public static KubernetesClient connected(Config config) {
    return new KubernetesClientBuilder()
        .withConfig(others(config))
        .withHttpClientBuilderConsumer(shown(config))
        .build();
  }

  /**
   * Of that client what sends requests: the rest loads two hundred classes, for kinds that nobody
   * may ask for.
   */
  static HttpClient sending(Config config) {
    HttpClient.Builder http = HttpClientUtils.getHttpClientFactory().newBuilder(others(config));
    shown(config).accept(http);
    return http.build();
  }

  private static boolean isIn(Config config) {
    return config.getClientKeyData() != null && config.getClientCertData() != null;
  }

  /** All but the certificate. */
  private static Config others(Config config) {
    return isIn(config)
        ? new ConfigBuilder(config).withClientCertData(null).withClientKeyData(null).build()
        : config;
  }

  private static Consumer<HttpClient.Builder> shown(Config config) {
    if (!isIn(config)) {
      return _ -> {};
    }
    KeyManager[] keys = keys(config);
    TrustManager[] trust = trust(others(config));
    return http -> http.sslContext(keys, trust);
  }

  private static KeyManager[] keys(Config config) {
    try {
      // Nothing is stored: PKCS#12 would wrap and unwrap the key, in 10,000 rounds each.
      KeyStore store = KeyStore.getInstance("JKS");
      store.load(null, null);
      Certificate[] chain =
          pem(config.getClientCertData()).certificates().toArray(Certificate[]::new);
      store.setKeyEntry(
          ALIAS, pem(config.getClientKeyData()).keys().getFirst(), new char[0], chain);
      KeyManagerFactory factory =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      factory.init(store, new char[0]);
      return factory.getKeyManagers();
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalArgumentException("the user's certificate cannot be used: " + e, e);
    }
  }

  private static Pem pem(String data) {
    byte[] text = Base64.getDecoder().decode(data);
    return Pem.parse(new String(text, StandardCharsets.US_ASCII), "the user's certificate");
  }

  private static TrustManager[] trust(Config config) {
    try {
      return SSLUtils.trustManagers(config);
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalArgumentException("the cluster's roots cannot be used: " + e, e);
    }
  }
}
