/**
 * Entry point of `@tacit/transport-mqtt`: Tacit's own protocol through an MQTT broker.
 *
 * Spec: docs/spec/18-mqtt.md.
 */
export { isMqtt } from "./Address.ts"
export type { Protocol } from "./BrokerLink.ts"
export { config, layer, layerConfig, type MqttOptions, type TransportLayer } from "./Layer.ts"
export { InvalidAddress } from "@tacit/transport-ws/carrier"
