package io.sluice.control.server;

import io.grpc.ChannelCredentials;
import io.grpc.TlsChannelCredentials;
import io.grpc.xds.XdsCredentialsProvider;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Objects;

/**
 * How an xDS client of gRPC proves itself to the controller: by the files that its bootstrap names.
 * This release of the client has no such credentials of its own; {@code ServiceLoader} finds these.
 */
public final class MeshCredentials extends XdsCredentialsProvider {
  static final String NAME = "sluice_mesh";
  static final String CERTIFICATE = "certificate_file";
  static final String KEY = "private_key_file";
  static final String ROOT_HASH = "root_sha256";

  @Override
  protected ChannelCredentials newChannelCredentials(Map<String, ?> config) {
    try {
      return TlsChannelCredentials.newBuilder()
          .trustManager(new PinnedRoot(text(config, ROOT_HASH)))
          .keyManager(new File(text(config, CERTIFICATE)), new File(text(config, KEY)))
          .build();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String text(Map<String, ?> config, String key) {
    return (String) Objects.requireNonNull(config.get(key), key);
  }

  @Override
  protected String getName() {
    return NAME;
  }

  @Override
  public boolean isAvailable() {
    return true;
  }

  @Override
  public int priority() {
    return 5;
  }
}
