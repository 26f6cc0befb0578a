//! Label selectors.

use landfall_core::network::{Operator, Requirement, Selector};

use super::{At, Fault};
use crate::network_spec::{RequirementOperator, RequirementSpec, SelectorSpec};

pub(super) fn selector(at: &At, spec: &SelectorSpec) -> Result<Selector, Fault> {
    let at = at.field("matchExpressions");
    Ok(Selector {
        labels: spec.match_labels.clone(),
        requirements: at.each(&spec.match_expressions, requirement)?,
    })
}

pub(super) fn optional(at: &At, spec: Option<&SelectorSpec>) -> Result<Option<Selector>, Fault> {
    spec.map(|spec| selector(at, spec)).transpose()
}

fn requirement(at: &At, spec: &RequirementSpec) -> Result<Requirement, Fault> {
    let values = spec.values.clone();
    let wanted = matches!(
        spec.operator,
        RequirementOperator::In | RequirementOperator::NotIn
    );
    if wanted == values.is_empty() {
        return Err(at.field("values").fault(format!(
            "goes with the operators In and NotIn, and only with them; the operator is {:?}",
            spec.operator
        )));
    }
    let operator = match spec.operator {
        RequirementOperator::In => Operator::In(values),
        RequirementOperator::NotIn => Operator::NotIn(values),
        RequirementOperator::Exists => Operator::Exists,
        RequirementOperator::DoesNotExist => Operator::DoesNotExist,
    };
    Ok(Requirement {
        key: spec.key.clone(),
        operator,
    })
}
