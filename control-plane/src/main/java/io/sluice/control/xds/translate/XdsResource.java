package io.sluice.control.xds.translate;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import io.sluice.mesh.Version;

/**
 * One resource as it is told.
 *
 * @param name as the client asks for it
 * @param version hash of the content, so that any replica gives the same
 */
public record XdsResource(String name, Any content, String version) {
  static XdsResource of(String name, Message message) {
    Any content = Any.pack(message);
    return new XdsResource(name, content, Version.text(content.getValue()));
  }

  /** Size of the content, in bytes. */
  public int bytes() {
    return content.getValue().size();
  }
}
