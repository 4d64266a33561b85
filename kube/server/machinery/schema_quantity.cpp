#include "base/quantity.h"
#include "kube/server/machinery/schema_node.h"
#include "kube/server/machinery/structural_schema.h"

namespace kube::server::machinery {
namespace {

// What is no quantity stays as it is: validation has said so, or has let an old object pass.
void write_canonically(nlohmann::json& value, const SchemaNode& around) {
  const auto amount = base::Quantity::of(value);
  if (!amount) return;
  // The amounts of a list of resources; a lone one (sizeLimit) keeps what it has.
  const bool of_resources = around.additional != nullptr;
  value = (of_resources ? amount->in_thousandths() : *amount).to_string();
}

void normalise(nlohmann::json& value, const SchemaNode& node) {
  if (!node.holds_quantities) return;
  if (value.is_array() && node.items != nullptr) {
    for (nlohmann::json& item : value)
      normalise(item, *node.items);
  }
  if (!value.is_object()) return;
  for (auto member = value.begin(); member != value.end(); ++member) {
    const SchemaNode* known = node.member(member.key());
    if (known == nullptr) continue;
    if (known->is_quantity) {
      write_canonically(member.value(), node);
    } else {
      normalise(member.value(), *known);
    }
  }
}

}  // namespace

bool StructuralSchema::holds_quantities() const {
  return root_->holds_quantities;
}

void StructuralSchema::normalise_quantities(Json& object) const {
  normalise(object, *root_);
}

}  // namespace kube::server::machinery
