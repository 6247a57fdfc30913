package io.sluice.mesh;

/**
 * A Service as far as it is of UDP. Apart from that of the same name, which the proxy goes by: no
 * proxy leads datagrams.
 *
 * @param service its name, cluster IPs and UDP ports with their endpoints
 */
public record DatagramService(Service service) implements MeshObject {
  @Override
  public Kind<DatagramService> kind() {
    return Kind.DATAGRAM_SERVICE;
  }
}
